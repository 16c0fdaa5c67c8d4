import { fitsRoom, isLarge, RowRoom, type RowLimits } from "./row-room.ts";
import type { AtomRow } from "./atom-row.ts";
import type { AtomWrite } from "./storage-hooks.ts";

/** The functions and limits with which a store executes writes, alone and in groups. */
export interface WriteQueueInit<Written> {
  /** The maximum number of groups in flight, as long as one of them finishes from time to time. */
  readonly maxInFlight: number;
  /** Waiting writes are divided among the groups that may start, with at least this many writes per group. */
  readonly smallestShare: number;
  /** The limits of one group. */
  readonly limits: RowLimits;
  /** Whether a write may join a group. Other writes start at once, and alone. */
  readonly isShareable: (write: AtomWrite) => boolean;
  /** @param refusal The error that refused the group that contained the write before. */
  readonly writeAlone: (write: AtomWrite, refusal?: unknown) => Promise<Written>;
  /** All or nothing. No two of the writes are of one session. @returns the results, in the order of the writes. */
  readonly writeTogether: (writes: readonly AtomWrite[]) => Promise<readonly Written[]>;
  /** Whether one of the writes may have caused the failure of a group. */
  readonly isCausedByWrite: (error: unknown) => boolean;
}

/** Whether a write only appends rows, within the limits. It is on the path of every save. */
export function isPlainAppend({ rows, session }: AtomWrite, limits: RowLimits): boolean {
  if (session?.clearThroughId !== undefined || session?.expectedHistoryXor !== undefined) return false;
  return rows.length > 0 && fitsRoom(rows, limits);
}

interface Job<Written> {
  readonly write: AtomWrite;
  readonly sessionIds: readonly string[];
  /** Whether its transfer is slow: then it is sent alone, in parallel with the groups. */
  readonly isLarge: boolean;
  readonly resolve: (written: Written) => void;
  readonly reject: (error: unknown) => void;
}

/** If no group has finished for this long, start the next one anyway; the ones in flight may be stuck. */
const PATIENCE_MS = 1_000;
/**
 * The maximum number of large writes in flight, in parallel with the groups, so that other writes find a connection
 * too.
 */
const MAX_LARGE_IN_FLIGHT = 2;

/**
 * Groups writes, to save round trips and commits. Writes that arrive together, or while others are in flight, share one
 * round trip and one commit. A single write starts at once.
 *
 * Writes of one session never share a group, and never overtake each other. A large write is sent alone, and delays
 * only its own session. When a group is refused because of one of its writes, the others are still written. After a
 * second, a stuck group delays only its own sessions.
 */
export class WriteQueue<Written> {
  readonly #init: WriteQueueInit<Written>;
  #waiting: Job<Written>[] = [];
  readonly #busySessions = new Set<string>();
  #inFlight = 0;
  #largeInFlight = 0;
  #isScheduled = false;
  #impatience: ReturnType<typeof setTimeout> | undefined;

  constructor(init: WriteQueueInit<Written>) {
    this.#init = init;
  }

  submit(write: AtomWrite): Promise<Written> {
    const isLargeWrite = isLarge(write.rows);
    if (!isLargeWrite && !this.#init.isShareable(write)) return this.#init.writeAlone(write);
    return new Promise((resolve, reject) => {
      const sessionIds = sessionIdsOf(write.rows);
      this.#waiting.push({ write, sessionIds, isLarge: isLargeWrite, resolve, reject });
      this.#schedule();
    });
  }

  /** Runs in a microtask, so that it sees everything submitted in the same turn of the event loop. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      while (this.#inFlight < this.#init.maxInFlight) if (!this.#sendNext()) break;
      while (this.#largeInFlight < MAX_LARGE_IN_FLIGHT) if (!this.#sendNextLarge()) break;
      this.#waitForRoom();
    });
  }

  #waitForRoom(): void {
    clearTimeout(this.#impatience);
    if (this.#waiting.length === 0) return;
    this.#impatience = setTimeout(() => {
      this.#sendNext();
      this.#waitForRoom();
    }, PATIENCE_MS);
  }

  /** @returns whether a group was sent. */
  #sendNext(): boolean {
    const jobs = this.#takeGroup();
    if (jobs.length === 0) return false;
    void this.#send(jobs);
    return true;
  }

  /** @returns whether a large write was sent. */
  #sendNextLarge(): boolean {
    const passedOver = new Set<string>();
    for (const job of this.#waiting) {
      if (job.isLarge && this.#isFree(job, passedOver)) {
        this.#waiting = this.#waiting.filter((other) => other !== job);
        for (const id of job.sessionIds) this.#busySessions.add(id);
        void this.#sendLarge(job);
        return true;
      }
      for (const id of job.sessionIds) passedOver.add(id);
    }
    return false;
  }

  /** Whether a write may start. A later write of a session must not overtake an earlier one that has to wait. */
  #isFree({ sessionIds }: Job<Written>, passedOver: ReadonlySet<string>): boolean {
    return sessionIds.every((id) => !this.#busySessions.has(id) && !passedOver.has(id));
  }

  /** Takes the waiting writes for one group, in order of arrival, with no session twice. */
  #takeGroup(): Job<Written>[] {
    const { maxInFlight, smallestShare, limits } = this.#init;
    const group: Job<Written>[] = [];
    const rest: Job<Written>[] = [];
    const room = new RowRoom(limits);
    const groups = Math.max(1, maxInFlight - this.#inFlight);
    const share = Math.max(smallestShare, Math.ceil(this.#waiting.length / groups));
    const passedOver = new Set<string>();
    for (const job of this.#waiting) {
      const mayGo = !job.isLarge && this.#isFree(job, passedOver) && group.length < share;
      if (mayGo && room.take(job.write.rows)) {
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

  async #send(jobs: readonly Job<Written>[]): Promise<void> {
    this.#inFlight += 1;
    try {
      await this.#write(jobs);
    } finally {
      this.#inFlight -= 1;
      for (const { sessionIds } of jobs) for (const id of sessionIds) this.#busySessions.delete(id);
      this.#schedule();
    }
  }

  async #sendLarge({ write, sessionIds, resolve, reject }: Job<Written>): Promise<void> {
    this.#largeInFlight += 1;
    await this.#init.writeAlone(write).then(resolve, reject);
    this.#largeInFlight -= 1;
    for (const id of sessionIds) this.#busySessions.delete(id);
    this.#schedule();
  }

  async #write(jobs: readonly Job<Written>[]): Promise<void> {
    const { writeAlone, writeTogether, isCausedByWrite } = this.#init;
    let refusal: unknown;
    if (jobs.length > 1) {
      try {
        const results = await writeTogether(jobs.map(({ write }) => write));
        return results.forEach((written, index) => jobs[index]?.resolve(written));
      } catch (error) {
        if (!isCausedByWrite(error)) return jobs.forEach(({ reject }) => reject(error));
        refusal = error;
      }
    }
    for (const { write, resolve, reject } of jobs) await writeAlone(write, refusal).then(resolve, reject);
  }
}

/** The distinct sessions of rows, which are sorted by session. */
function sessionIdsOf(rows: readonly AtomRow[]): string[] {
  const sessionIds: string[] = [];
  for (const { sessionId } of rows) if (sessionId !== sessionIds.at(-1)) sessionIds.push(sessionId);
  return sessionIds;
}
