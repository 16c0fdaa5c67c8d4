import { fitsRoom, RowRoom, type RowLimits } from "./row-room.ts";
import type { AtomRow, AtomWrite } from "./storage-hooks.ts";

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
  readonly resolve: (written: Written) => void;
  readonly reject: (error: unknown) => void;
}

/** After so long without a group that ends, what waits no longer waits for those that are under way: they may be stuck. */
const PATIENCE_MS = 1_000;

/**
 * Writes that arrive together, or while others are under way, go together: one round trip and one commit for all. A lone
 * write goes at once. Writes of one session never share, and never overtake each other. When a group is refused for one of its
 * writes, the others still go through; one that is stuck holds up only its own sessions for longer than a second.
 */
export class WriteQueue<Written> {
  readonly #init: WriteQueueInit<Written>;
  #waiting: Job<Written>[] = [];
  readonly #busySessions = new Set<string>();
  #inFlight = 0;
  #isScheduled = false;
  #impatience: ReturnType<typeof setTimeout> | undefined;

  constructor(init: WriteQueueInit<Written>) {
    this.#init = init;
  }

  submit(write: AtomWrite): Promise<Written> {
    if (!this.#init.isShareable(write)) return this.#init.writeAlone(write);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ write, sessionIds: sessionIdsOf(write.rows), resolve, reject });
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

  /** The waiting writes that fit one group, in the order in which they came, and no session twice. */
  #takeGroup(): Job<Written>[] {
    const { maxInFlight, smallestShare, limits } = this.#init;
    const group: Job<Written>[] = [];
    const rest: Job<Written>[] = [];
    const room = new RowRoom(limits);
    const groups = Math.max(1, maxInFlight - this.#inFlight);
    const share = Math.max(smallestShare, Math.ceil(this.#waiting.length / groups));
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
