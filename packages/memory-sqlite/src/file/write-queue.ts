import type { Statement } from "better-sqlite3";
import { retryWhileBusy } from "./busy.ts";
import type { Connection } from "./database.ts";

interface Job {
  /**
   * Reads and writes inside the transaction, and does nothing else: it may run again after a rollback. What it throws
   * undoes its own changes and nobody else's.
   */
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
  readonly #beforeCommit: () => void;
  readonly #statements: Record<"begin" | "commit" | "rollback" | "mark" | "keep" | "undo", Statement>;
  #jobs: Job[] = [];
  #isDraining = false;

  /** @param beforeCommit is called once for each transaction; what it throws undoes the transaction. */
  constructor(connection: Connection, busyTimeoutMs: number, beforeCommit: () => void) {
    this.#connection = connection;
    this.#busyTimeoutMs = busyTimeoutMs;
    this.#beforeCommit = beforeCommit;
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
    if (!(await this.#begin(() => this.#takeJobs()))) return;
    // From here to the commit nothing yields: no read of this connection sees what is not yet committed.
    const jobs = this.#takeJobs();
    try {
      settle(jobs, this.#commit(jobs, run));
    } catch (error) {
      const [only] = jobs;
      if (jobs.length === 1) only?.reject(error);
      else await this.#commitMarked(jobs);
    }
  }

  /** Only what fails is undone. To mark each job from the start would take all of them a third longer. */
  async #commitMarked(jobs: readonly Job[]): Promise<void> {
    if (!(await this.#begin(() => jobs))) return;
    try {
      const outcomes = this.#commit(jobs, (job) => this.#runMarked(job));
      settle(jobs, outcomes);
    } catch {
      await this.#commitEachAlone(jobs);
    }
  }

  /**
   * Commits each job alone: if the disk refused all of them because of one, such as a large one, the others still
   * succeed.
   */
  async #commitEachAlone(jobs: readonly Job[]): Promise<void> {
    for (const job of jobs) {
      if (!(await this.#begin(() => [job]))) continue;
      try {
        settle([job], this.#commit([job], run));
      } catch (error) {
        job.reject(error);
      }
    }
  }

  /** Begins a transaction, or rejects those who wait for it. @returns whether it did. */
  async #begin(waiting: () => readonly Job[]): Promise<boolean> {
    try {
      await retryWhileBusy(() => this.#statements.begin.run(), this.#busyTimeoutMs);
      return true;
    } catch (error) {
      waiting().forEach((job) => job.reject(error));
      return false;
    }
  }

  #takeJobs(): Job[] {
    const jobs = this.#jobs;
    this.#jobs = [];
    return jobs;
  }

  /** Runs the jobs and commits; throws, with everything rolled back, when a job or the transaction itself fails. */
  #commit(jobs: readonly Job[], runJob: (job: Job) => Outcome): Outcome[] {
    try {
      const outcomes = jobs.map(runJob);
      this.#beforeCommit();
      this.#statements.commit.run();
      return outcomes;
    } catch (error) {
      if (this.#connection.inTransaction) this.#statements.rollback.run();
      throw error;
    }
  }

  /** A failure is the job's outcome, and leaves nothing of it behind. */
  #runMarked(job: Job): Outcome {
    this.#statements.mark.run();
    try {
      const outcome = run(job);
      this.#statements.keep.run();
      return outcome;
    } catch (error) {
      // A full disk ends the transaction of all.
      if (!this.#connection.inTransaction) throw error;
      this.#statements.undo.run();
      this.#statements.keep.run();
      return { error };
    }
  }
}

function run({ work }: Job): Outcome {
  return { result: work() };
}

function settle(jobs: readonly Job[], outcomes: readonly Outcome[]): void {
  for (const [index, job] of jobs.entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined) continue;
    if ("error" in outcome) job.reject(outcome.error);
    else job.resolve(outcome.result);
  }
}
