import { fitsRoom, isLarge, RowRoom, type RowLimits } from "./row-room.ts";
import type { AtomRow } from "./atom-row.ts";
import type { AtomWrite } from "./storage-hooks.ts";

/** What a store does with writes, alone and together. */
export interface WriteQueueInit<Written> {
  /** How many groups may be under way at once, as long as one of them ends now and then. */
  readonly maxInFlight: number;
  /** What waits is shared out among the groups that may go, unless they would have fewer writes than this. */
  readonly smallestShare: number;
  /** What one group may carry. */
  readonly limits: RowLimits;
  /** Whether a write may be in a group. Others go at once, and alone. */
  readonly isShareable: (write: AtomWrite) => boolean;
  /** @param refusal why the group was refused that the write was in before. */
  readonly writeAlone: (write: AtomWrite, refusal?: unknown) => Promise<Written>;
  /** All or nothing. No two of the writes are of one session. @returns what became of each, in their order. */
  readonly writeTogether: (writes: readonly AtomWrite[]) => Promise<readonly Written[]>;
  /** Whether a group failed for what may be the fault of one of its writes. */
  readonly isCausedByWrite: (error: unknown) => boolean;
}

/** Whether a write does nothing but append rows, and there is room for them. It is on the path of every save. */
export function isPlainAppend({ rows, session }: AtomWrite, limits: RowLimits): boolean {
  if (session?.clearThroughId !== undefined || session?.expectedHistoryXor !== undefined) return false;
  return rows.length > 0 && fitsRoom(rows, limits);
}

interface Job<Written> {
  readonly write: AtomWrite;
  readonly sessionIds: readonly string[];
  /** Whether it takes its time on the way: then it goes alone, beside the groups. */
  readonly isLarge: boolean;
  readonly resolve: (written: Written) => void;
  readonly reject: (error: unknown) => void;
}

/** After so long without a group that ends, what waits no longer waits for those that are under way: they may be stuck. */
const PATIENCE_MS = 1_000;
/** Large writes that may be under way at once, beside the groups: others have to find a connection, too. */
const MAX_LARGE_IN_FLIGHT = 2;

/**
 * Writes that arrive together, or while others are under way, go together: one round trip and one commit for all. A lone
 * write goes at once. Writes of one session never share, and never overtake each other. A large one goes alone, and holds up
 * nobody but its own session. When a group is refused for one of its
 * writes, the others still go through; one that is stuck holds up only its own sessions for longer than a second.
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

  /** In a microtask: what is submitted in the same turn of the event loop is there by then. */
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

  /** @returns whether there was anything that may go. */
  #sendNext(): boolean {
    const jobs = this.#takeGroup();
    if (jobs.length === 0) return false;
    void this.#send(jobs);
    return true;
  }

  /** @returns whether there was any that may go. */
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

  /** A later write of a session must not pass an earlier one that has to wait. */
  #isFree({ sessionIds }: Job<Written>, passedOver: ReadonlySet<string>): boolean {
    return sessionIds.every((id) => !this.#busySessions.has(id) && !passedOver.has(id));
  }

  /** The waiting writes that fit one group, in the order in which they came, and no session twice. */
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

/** Each session once, for rows are sorted by session. */
function sessionIdsOf(rows: readonly AtomRow[]): string[] {
  const sessionIds: string[] = [];
  for (const { sessionId } of rows) if (sessionId !== sessionIds.at(-1)) sessionIds.push(sessionId);
  return sessionIds;
}
