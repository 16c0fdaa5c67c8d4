import { PROBE_DISTANCE_MS, type ProviderHealth } from "./provider-state.ts";

export interface ProbeContext {
  readonly nowMs: number;
  /** The number of probes since the provider last took work. */
  readonly probes: number;
  /** The longest delay between two probes of a provider that is down. */
  readonly longestMs: number;
  /** Whether no other provider takes work; if so, this one is probed more often. */
  readonly isAlone: boolean;
  /** A random number from 0 to below 1. */
  readonly random: () => number;
}

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_ALONE_MS = 2_000;
/** Faults that an administrator must fix are probed slowly, because repeated wrong passwords may lock an account. */
const INELIGIBLE_DELAY_MS = 30_000;

/**
 * Returns the delay in ms before the next probe of a provider, or undefined for no probe. While the provider is down,
 * the delay follows exponential backoff with full jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture
 * Blog, 2015).
 */
export function probeDelayMs(health: ProviderHealth, context: ProbeContext): number | undefined {
  const { nowMs, probes, isAlone, random } = context;
  const longestMs = isAlone ? Math.min(LONGEST_DELAY_ALONE_MS, context.longestMs) : context.longestMs;
  const backoffMs = random() * Math.min(longestMs, FIRST_DELAY_MS * 2 ** probes);
  const wellMs = nowMs - (health.wellSinceMs ?? nowMs);
  switch (health.state) {
    case "unknown":
    case "up":
      return undefined;
    case "suspect":
      return probes === 0 ? 0 : backoffMs;
    case "probing":
      return Math.max(0, PROBE_DISTANCE_MS - wellMs);
    case "catching-up":
      return health.isCaughtUp ? Math.min(context.longestMs, Math.max(0, health.dwellMs - wellMs)) : backoffMs;
    case "ineligible":
      return INELIGIBLE_DELAY_MS * (0.5 + random());
    default:
      return backoffMs;
  }
}
