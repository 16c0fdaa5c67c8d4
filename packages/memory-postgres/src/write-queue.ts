import type { AtomWrite } from "@rivet/memory-core";
import { append, appendTogether, isShareable, type Written } from "./append.ts";
import { isCausedByStatement } from "./errors.ts";
import { StatementRoom } from "./limits.ts";
import type { Store } from "./store.ts";

interface Job {
  readonly write: AtomWrite;
  readonly sessionIds: readonly string[];
  readonly resolve: (written: Written) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Statements that may be under way at once: the server works on one while this process builds the other, and one that has
 * to wait in the server does not hold up all. More gave no more turns per second.
 */
const MAX_IN_FLIGHT = 2;
/** What waits is shared out among the statements that may go, unless they would become smaller than this. */
const SMALLEST_SHARE = 8;

/**
 * Writes that arrive together, or while others are under way, share a statement: one round trip and one commit for all. A
 * lone write goes at once. Writes of one session never share, and never overtake each other.
 */
export class WriteQueue {
  readonly #store: Store;
  #waiting: Job[] = [];
  readonly #busySessions = new Set<string>();
  #inFlight = 0;
  #isScheduled = false;

  constructor(store: Store) {
    this.#store = store;
  }

  submit(write: AtomWrite): Promise<Written> {
    if (!isShareable(this.#store, write)) return append(this.#store, write);
    return new Promise((resolve, reject) => {
      const sessionIds = [...new Set(write.rows.map((row) => row.sessionId))];
      this.#waiting.push({ write, sessionIds, resolve, reject });
      this.#schedule();
    });
  }

  /** In a microtask: what is submitted in the same turn of the event loop is there by then. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      while (this.#inFlight < MAX_IN_FLIGHT) {
        const jobs = this.#takeGroup();
        if (jobs.length === 0) return;
        void this.#send(jobs);
      }
    });
  }

  /** The waiting writes that fit one statement, in the order in which they came, and no session twice. */
  #takeGroup(): Job[] {
    const group: Job[] = [];
    const rest: Job[] = [];
    const room = new StatementRoom();
    const share = Math.max(SMALLEST_SHARE, Math.ceil(this.#waiting.length / (MAX_IN_FLIGHT - this.#inFlight)));
    // A later write of a session must not pass an earlier one that has to wait.
    const passedOver = new Set<string>();
    for (const job of this.#waiting) {
      const isFree = job.sessionIds.every((id) => !this.#busySessions.has(id) && !passedOver.has(id));
      if (isFree && group.length < share && room.take(job.write.rows)) {
        group.push(job);
        for (const id of job.sessionIds) this.#busySessions.add(id);
      } else {
        rest.push(job);
        for (const id of job.sessionIds) passedOver.add(id);
      }
    }
    this.#waiting = rest;
    return group;
  }

  async #send(jobs: readonly Job[]): Promise<void> {
    this.#inFlight += 1;
    try {
      await this.#append(jobs);
    } finally {
      this.#inFlight -= 1;
      for (const { sessionIds } of jobs) for (const id of sessionIds) this.#busySessions.delete(id);
      this.#schedule();
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
