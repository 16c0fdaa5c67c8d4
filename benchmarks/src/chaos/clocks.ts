/**
 * The clocks of a run, and what an id shows of the one that made it: pure. The numbers stand here once more, as the
 * verdict is not to follow the code under test when that changes.
 */
import type { Random } from "@rivet/local-servers/seeded-random";

/** The largest error of most clocks, in either direction. */
export const MAX_SKEW_MS = 5 * 60_000;
const DAY_MS = 24 * 60 * 60_000;
/** The clock of one writer is ahead by so much. */
const FAR_AHEAD_MS = 2 * 365 * DAY_MS;
/** An id that is further ahead of a clock moves it by nothing. */
const LEAD_MS = DAY_MS;

/** The time of a writer's clock, and the machine's own at that moment, in ms since 1970. */
export interface ClockReading {
  readonly clockMs: number;
  readonly atMs: number;
}

/** Up to five minutes ahead or behind. */
export function skew(random: Random): number {
  return Math.round((random() * 2 - 1) * MAX_SKEW_MS);
}

/** The lead of each writer's clock: a few minutes at most, and two years for one of them. */
export function writerSkews(random: Random, writers: number): number[] {
  const farAhead = Math.floor(random() * writers);
  return Array.from({ length: writers }, (_, index) => skew(random) + (index === farAhead ? FAR_AHEAD_MS : 0));
}

export function isFarAhead({ clockMs, atMs }: ClockReading): boolean {
  return clockMs - atMs > LEAD_MS;
}

/** Whether a clock that reads this follows the id: otherwise new ids sort before it. */
export function isFollowed(id: string, clockMs: number): boolean {
  return idTimeMs(id) <= clockMs + LEAD_MS;
}

/** Whether the id is further ahead than its writer's clock and all that are wrong by minutes. */
export function isBeyondItsClocks(id: string, { clockMs, atMs }: ClockReading): boolean {
  return idTimeMs(id) > Math.max(clockMs, atMs + MAX_SKEW_MS);
}

/** The first 48 bits of a UUIDv7 (RFC 9562, section 5.7), in ms since 1970. */
function idTimeMs(id: string): number {
  return Number.parseInt(id.replace("-", "").slice(0, 12), 16);
}
