import { v7 as formatUuidV7 } from "uuid";
import { invalidInput } from "../errors/errors.ts";
import { readOptions, type OptionFields } from "../options/option-fields.ts";

/** The nil UUID. As the id of a tombstone it means the whole session; as an XOR, the empty set. */
export const NIL_ID = "00000000-0000-0000-0000-000000000000";

/** The longest time by which an atom id may be ahead of the clock, in milliseconds: one day. */
export const MAX_ID_LEAD_MS = 24 * 60 * 60 * 1000;

/** The greatest time in the 48 bits of an atom id, in milliseconds since 1970: in the year 10889. */
const MAX_TIME_MS = 2 ** 48 - 1;

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const MAX_SEQUENCE = 0xffff_ffff;

/** Whether the text is a UUIDv7 in lower case, the only form of an atom id. */
export function isAtomId(text: string): boolean {
  return UUID_V7.test(text);
}

/** Whether the text is a UUID of any kind in lower case, such as the XOR of ids. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** The time field of an atom id, in milliseconds since 1970. */
export function atomIdTimeMs(id: string): number {
  return Number.parseInt(id.slice(0, 8), 16) * 0x1_0000 + Number.parseInt(id.slice(9, 13), 16);
}

/**
 * Decides whether an id may be used for an atom. Every check of an id calls this function, and Supabase's SQL is
 * generated from the same constants.
 *
 * - `good`: the id is accepted, and clocks follow it.
 * - `ahead`: its time is more than {@link MAX_ID_LEAD_MS} ahead of the clock. It is refused for a new atom. A store may
 *   hold it from a process with a wrong clock: then it is readable and replicated, and no clock follows it.
 * - `malformed`: it is not a UUIDv7 in lower case, and is never accepted.
 *
 * @param nowMs The wall clock, in milliseconds since 1970.
 */
export function judgeAtomId(id: string, nowMs: number): "good" | "ahead" | "malformed" {
  if (!isAtomId(id)) return "malformed";
  return atomIdTimeMs(id) > latestTimeMs(nowMs) ? "ahead" : "good";
}

/** The greatest UUID whose time is not ahead of the clock, as {@link judgeAtomId} defines it. */
export function lastIdWithinLead(nowMs: number): string {
  const time = latestTimeMs(nowMs).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-ffff-ffff-ffffffffffff`;
}

/** The latest time that an id may have now, in milliseconds since 1970. */
function latestTimeMs(nowMs: number): number {
  return wholeTimeMs(wholeTimeMs(nowMs) + MAX_ID_LEAD_MS);
}

/** Rounds a time to the range of an atom id: whole milliseconds, from 1970 to the end of 48 bits. */
function wholeTimeMs(timeMs: number): number {
  return timeMs > 0 ? Math.min(Math.trunc(timeMs), MAX_TIME_MS) : 0;
}

/** The 32-bit counter that orders ids of one millisecond: the 12 bits of `rand_a` and the first 20 of `rand_b`. */
function atomIdSequence(id: string): number {
  const high = Number.parseInt(id.slice(15, 18), 16);
  const low = Number.parseInt(id.slice(19, 23) + id.slice(24, 26), 16);
  return high * 0x10_0000 + ((low >>> 2) & 0xf_ffff);
}

export interface AtomClockOptions {
  /** The wall clock, in milliseconds since 1970. Default: `Date.now`. */
  now?: () => number;
  /** 16 random bytes a call. Default: the platform's cryptographic source. */
  random?: () => Uint8Array;
}

const CLOCK_FIELDS: OptionFields<AtomClockOptions> = { now: "setting", random: "setting" };

/**
 * Mints atom ids: UUIDv7 (RFC 9562) whose time field is a hybrid logical clock (Kulkarni et al., "Logical Physical
 * Clocks", 2014).
 *
 * Guarantees: every id is greater than all that this clock minted or observed before, also when the wall clock stands
 * still or goes backwards, so that an answer sorts after its question on machines whose clocks disagree. Within one
 * millisecond a 32-bit counter orders the ids (RFC 9562, section 6.2, method 1); when it runs over, the time field
 * moves on by one.
 *
 * The limit of this is one day ({@link MAX_ID_LEAD_MS}): no id is minted further ahead of the wall clock than that. Ids
 * that are further ahead are not observed, and a wall clock that was set back further is followed, so that a wrong
 * clock has no effect on ids once it is right again.
 *
 * @example
 * const clock = new AtomClock();
 * clock.observe(question.id);
 * const answerId = clock.next(); // sorts after the question
 */
export class AtomClock {
  readonly #now: () => number;
  readonly #random: () => Uint8Array;
  #timeMs = 0;
  #sequence = 0;

  constructor(options: AtomClockOptions = {}) {
    const { now = Date.now, random = pooledRandom } = readOptions(options, CLOCK_FIELDS, "options");
    this.#now = now;
    this.#random = random;
  }

  /** The wall clock's time, in milliseconds since 1970: for people to read, not for order. */
  wallTimeMs(): number {
    return this.#now();
  }

  /**
   * Creates a new id, greater than all before it.
   *
   * @throws {MemoryError} `invalid_input` when the wall clock is past the year 10889 and no greater id is left.
   */
  next(): string {
    const nowMs = wholeTimeMs(this.#now());
    const isSetBack = this.#timeMs > latestTimeMs(nowMs);
    if (nowMs > this.#timeMs || isSetBack) {
      this.#timeMs = nowMs;
      // Starting at the low end of the counter's range leaves room for the rest of the millisecond.
      this.#sequence = 0;
    } else if (this.#sequence < MAX_SEQUENCE) {
      this.#sequence += 1;
    } else {
      if (this.#timeMs === MAX_TIME_MS)
        throw invalidInput("the clock", "is at the greatest time that an id can hold; correct the clock");
      this.#timeMs += 1;
      this.#sequence = 0;
    }
    return formatUuidV7({ msecs: this.#timeMs, seq: this.#sequence, random: this.#random() });
  }

  /** Moves the clock past an id that was read, so that the next one sorts after it; see the class for the limit. */
  observe(id: string): void {
    const timeMs = atomIdTimeMs(id);
    if (timeMs < this.#timeMs) return;
    const nowMs = this.#now();
    if (judgeAtomId(id, nowMs) !== "good") return;
    const sequence = atomIdSequence(id);
    if (timeMs === this.#timeMs && sequence <= this.#sequence) return;
    // No id could follow this one within the lead.
    if (sequence === MAX_SEQUENCE && timeMs === latestTimeMs(nowMs)) return;
    this.#timeMs = timeMs;
    this.#sequence = sequence;
  }
}

const ID_BYTES = 16;
const POOLED_IDS = 256;
const pool = new Uint8Array(ID_BYTES * POOLED_IDS);
const parts = Array.from({ length: POOLED_IDS }, (_, index) => pool.subarray(index * ID_BYTES, (index + 1) * ID_BYTES));
let used = parts.length;

/** Returns 16 random bytes. Requesting 256 ids at once from the platform is ten times cheaper than one at a time. */
function pooledRandom(): Uint8Array {
  if (used === parts.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  return parts[used++] ?? pool;
}

/** The clock of this process, shared by all sessions and storages without a clock of their own. */
export const processClock = new AtomClock();
