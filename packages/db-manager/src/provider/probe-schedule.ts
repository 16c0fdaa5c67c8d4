import { PROBE_DISTANCE_MS, type ProviderHealth } from "./provider-state.ts";

export interface ProbeContext {
  readonly nowMs: number;
  /** Probes since it last took work. */
  readonly probes: number;
  /** Between two probes of one that is down. */
  readonly longestMs: number;
  /** Whether no other provider takes work: then its return is looked for more often. */
  readonly isAlone: boolean;
  /** From 0 to below 1. */
  readonly random: () => number;
}

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_ALONE_MS = 2_000;
/** What an administrator has to mend is looked at slowly: wrong passwords may lock an account. */
const INELIGIBLE_DELAY_MS = 30_000;

/**
 * After how many ms to probe a provider again; undefined for not at all. While it is down: exponential backoff with full
 * jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
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
