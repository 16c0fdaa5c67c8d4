import type { Statement } from "better-sqlite3";
import { retryWhileBusy } from "./busy.ts";
import type { Connection } from "./connection.ts";

interface Job {
  /** Reads and writes inside the transaction; what it throws undoes its own changes and nobody else's. */
  readonly work: () => unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type Outcome = { readonly result: unknown } | { readonly error: unknown };

/**
 * Writes that arrive in one turn of the event loop, or while another process holds the file, are committed as one
 * transaction: one fsync for all. A lone write does not wait for company.
 */
export class WriteQueue {
  readonly #connection: Connection;
  readonly #busyTimeoutMs: number;
  readonly #statements: Record<"begin" | "commit" | "rollback" | "mark" | "keep" | "undo", Statement>;
  #jobs: Job[] = [];
  #isDraining = false;

  constructor(connection: Connection, busyTimeoutMs: number) {
    this.#connection = connection;
    this.#busyTimeoutMs = busyTimeoutMs;
    this.#statements = {
      begin: connection.prepare("BEGIN IMMEDIATE"),
      commit: connection.prepare("COMMIT"),
      rollback: connection.prepare("ROLLBACK"),
      mark: connection.prepare("SAVEPOINT job"),
      keep: connection.prepare("RELEASE job"),
      undo: connection.prepare("ROLLBACK TO job"),
    };
  }

  /** Runs the work in a transaction; the promise is kept once it is committed. */
  submit<Result>(work: () => Result): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      // The queue holds jobs of any result; each job's own result goes only to its own promise.
      this.#jobs.push({ work, resolve: resolve as (result: unknown) => void, reject });
      if (this.#isDraining) return;
      this.#isDraining = true;
      setImmediate(() => void this.#drain());
    });
  }

  async #drain(): Promise<void> {
    while (this.#jobs.length > 0) await this.#commitWaiting();
    this.#isDraining = false;
  }

  async #commitWaiting(): Promise<void> {
    try {
      await this.#begin();
    } catch (error) {
      this.#takeJobs().forEach((job) => job.reject(error));
      return;
    }
    // From here to the commit nothing yields: no read of this connection sees what is not yet committed.
    const jobs = this.#takeJobs();
    try {
      settle(jobs, this.#commit(jobs));
    } catch (error) {
      const [only] = jobs;
      if (jobs.length === 1) only?.reject(error);
      else await this.#commitEachAlone(jobs);
    }
  }

  async #begin(): Promise<void> {
    await retryWhileBusy(() => this.#statements.begin.run(), this.#busyTimeoutMs);
  }

  #takeJobs(): Job[] {
    const jobs = this.#jobs;
    this.#jobs = [];
    return jobs;
  }

  /** What the disk refused for all may be one job's fault, such as its size: the others still go through. */
  async #commitEachAlone(jobs: readonly Job[]): Promise<void> {
    for (const job of jobs) {
      try {
        await this.#begin();
        settle([job], this.#commit([job]));
      } catch (error) {
        job.reject(error);
      }
    }
  }

  /** Runs the jobs and commits; throws, with everything rolled back, when the transaction itself fails. */
  #commit(jobs: readonly Job[]): Outcome[] {
    try {
      // A job that is alone needs no mark to go back to: all is rolled back when it fails.
      const outcomes =
        jobs.length === 1 ? jobs.map((job) => ({ result: job.work() })) : jobs.map((job) => this.#run(job));
      this.#statements.commit.run();
      return outcomes;
    } catch (error) {
      if (this.#connection.inTransaction) this.#statements.rollback.run();
      throw error;
    }
  }

  #run(job: Job): Outcome {
    this.#statements.mark.run();
    try {
      const result = job.work();
      this.#statements.keep.run();
      return { result };
    } catch (error) {
      // A full disk ends the transaction of all.
      if (!this.#connection.inTransaction) throw error;
      this.#statements.undo.run();
      this.#statements.keep.run();
      return { error };
    }
  }
}

function settle(jobs: readonly Job[], outcomes: readonly Outcome[]): void {
  for (const [index, job] of jobs.entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined) continue;
    if ("error" in outcome) job.reject(outcome.error);
    else job.resolve(outcome.result);
  }
}
