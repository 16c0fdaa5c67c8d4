import type { AtomWrite } from "@rivet/memory-core";
import { append, appendTogether, isShareable, type Written } from "./append.ts";
import { isCausedByStatement } from "./errors.ts";
import { fitsStatement } from "./limits.ts";
import type { Store } from "./store.ts";

interface Job {
  readonly write: AtomWrite;
  readonly sessionIds: readonly string[];
  readonly resolve: (written: Written) => void;
  readonly reject: (error: unknown) => void;
}

/** Shared statements that may be under way at once: the next is on its way while the server works on one. */
const MAX_IN_FLIGHT = 2;

/**
 * Writes that arrive while others are under way share a statement: one round trip and one commit for all. A lone write
 * goes at once. Writes of one session never share, and never overtake each other.
 */
export class WriteQueue {
  readonly #store: Store;
  #waiting: Job[] = [];
  readonly #busySessions = new Set<string>();
  #inFlight = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  submit(write: AtomWrite): Promise<Written> {
    if (!isShareable(this.#store, write)) return append(this.#store, write);
    return new Promise((resolve, reject) => {
      const sessionIds = [...new Set(write.rows.map((row) => row.sessionId))];
      this.#waiting.push({ write, sessionIds, resolve, reject });
      if (this.#waiting.length === 1) queueMicrotask(() => this.#sendWaiting());
    });
  }

  #sendWaiting(): void {
    while (this.#inFlight < MAX_IN_FLIGHT) {
      const jobs = this.#takeGroup();
      if (jobs.length === 0) return;
      void this.#send(jobs);
    }
  }

  /** The waiting writes that fit one statement, in the order in which they came, and no session twice. */
  #takeGroup(): Job[] {
    const group: Job[] = [];
    const rest: Job[] = [];
    // A later write of a session must not pass an earlier one that has to wait.
    const passedOver = new Set<string>();
    const limit = Math.ceil(this.#waiting.length / (MAX_IN_FLIGHT - this.#inFlight));
    for (const job of this.#waiting) {
      const isFree =
        group.length < limit && job.sessionIds.every((id) => !this.#busySessions.has(id) && !passedOver.has(id));
      if (isFree) {
        group.push(job);
        job.sessionIds.forEach((id) => this.#busySessions.add(id));
      } else {
        rest.push(job);
        job.sessionIds.forEach((id) => passedOver.add(id));
      }
    }
    this.#waiting = rest;
    return group;
  }

  async #send(jobs: readonly Job[]): Promise<void> {
    this.#inFlight += 1;
    const t0 = performance.now();
    const n = jobs.length;
    try {
      await this.#append(jobs);
    } finally {
      this.#inFlight -= 1;
      (globalThis as any).log?.push([n, t0, performance.now()]);
      for (const { sessionIds } of jobs) sessionIds.forEach((id) => this.#busySessions.delete(id));
      this.#sendWaiting();
    }
  }

  async #append(jobs: readonly Job[]): Promise<void> {
    if (jobs.length > 1) {
      try {
        const results = await appendTogether(
          this.#store,
          jobs.map(({ write }) => write),
        );
        for (const [index, job] of jobs.entries()) {
          const written = results[index];
          if (written !== undefined) job.resolve(written);
        }
        return;
      } catch (error) {
        if (!isCausedByStatement(error)) return jobs.forEach((job) => job.reject(error));
        // What the server refused for all may be one write's fault: the others still go through.
      }
    }
    for (const { write, resolve, reject } of jobs) await append(this.#store, write).then(resolve, reject);
  }
}
