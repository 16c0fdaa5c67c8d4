import type { Failure } from "../errors/failure.ts";
import type { Outcome } from "../errors/errors.ts";

/** The kinds of work: a statement, a function between BEGIN and COMMIT, or a function with any side effects. */
export type WorkKind = "statement" | "transaction" | "run";

export interface Attempt {
  readonly kind: WorkKind;
  readonly isIdempotent: boolean;
  readonly outcome: Outcome;
  /** The number of retries so far. */
  readonly repeats: number;
}

const MIN_JITTER_MS = 10;
const MAX_JITTER_MS = 100;
const LIMITS = { never: 0, fresh: 1, unnamed: 1, twice: 2, "three-times": 3 } as const;

/** Returns the delay in ms before a retry on the same provider, or undefined for no retry. */
export function repeatDelayMs(failure: Failure, attempt: Attempt, random: () => number): number | undefined {
  const { meaning } = failure;
  // Do not retry an unreachable provider; failing over is the remedy.
  if (meaning.class === "A" || attempt.repeats >= LIMITS[meaning.repeat]) return undefined;
  if (!mayRepeat(failure, attempt)) return undefined;
  if (meaning.repeat === "fresh" || meaning.repeat === "unnamed") return 0;
  return MIN_JITTER_MS + random() * (MAX_JITTER_MS - MIN_JITTER_MS);
}

function mayRepeat({ meaning, isUntouched }: Failure, { kind, isIdempotent, outcome }: Attempt): boolean {
  if (isIdempotent) return true;
  if (outcome === "unknown" || kind === "run") return false;
  // A transaction's function may have side effects, so it runs again only after failures that every transaction must
  // expect: deadlocks and serialization failures.
  return kind === "statement" || isUntouched || meaning.repeat === "three-times";
}

/** Whether the work that failed on this provider may be sent to another one. */
export function mayMoveOn({ meaning, isUntouched }: Failure, attempt: Omit<Attempt, "repeats">): boolean {
  const { kind, isIdempotent, outcome } = attempt;
  // Another server would reject the caller's statement with the same error.
  if (meaning.class === "C" || meaning.code === "query") return false;
  if (isIdempotent) return true;
  return kind !== "run" && outcome === "not_applied" && (kind === "statement" || isUntouched);
}
