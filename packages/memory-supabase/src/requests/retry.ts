/** Whether a request is sent again, and when: pure functions. */

/** The attempts until now, as the decision needs them. */
export interface Attempts {
  /** The number of failed attempts. */
  readonly failed: number;
  /** The delay that the server requested, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** The remaining time, in milliseconds. */
  readonly leftMs: number;
}

const MAX_ATTEMPTS = 6;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;

/**
 * The delay before the next attempt, in milliseconds; undefined when there is no next attempt. The delay is a random
 * part of a bound that doubles ("full jitter":
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), and never less than the server asked for.
 *
 * @param random a number from 0 to 1.
 */
export function delayMs({ failed, retryAfterMs = 0, leftMs }: Attempts, random: number): number | undefined {
  if (failed >= MAX_ATTEMPTS) return undefined;
  const bound = Math.min(FIRST_DELAY_MS * 2 ** (failed - 1), LONGEST_DELAY_MS);
  const delay = retryAfterMs + bound * random;
  return delay < leftMs ? delay : undefined;
}

/** The milliseconds of a header `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3). */
export function parseRetryAfter(value: string | null, nowMs: number): number | undefined {
  if (value === null) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1_000;
  const time = Date.parse(value);
  return Number.isNaN(time) ? undefined : Math.max(0, time - nowMs);
}
