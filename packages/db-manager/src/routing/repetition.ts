import type { Failure } from "../errors/failure.ts";
import type { Outcome } from "../errors/errors.ts";

/** How work may be repeated: a statement, a function between BEGIN and COMMIT, or a function with effects of any kind. */
export type WorkKind = "statement" | "transaction" | "run";

export interface Attempt {
  readonly kind: WorkKind;
  readonly isIdempotent: boolean;
  readonly outcome: Outcome;
  /** Repeats that were made already. */
  readonly repeats: number;
}

const MIN_JITTER_MS = 10;
const MAX_JITTER_MS = 100;
const LIMITS = { never: 0, fresh: 1, unnamed: 1, twice: 2, "three-times": 3 } as const;

/** After how many ms to ask the same provider again; undefined for not at all. */
export function repeatDelayMs(failure: Failure, attempt: Attempt, random: () => number): number | undefined {
  const { meaning } = failure;
  // One that cannot be reached is not asked twice: the next one is the answer to that.
  if (meaning.class === "A" || attempt.repeats >= LIMITS[meaning.repeat]) return undefined;
  if (!mayRepeat(failure, attempt)) return undefined;
  if (meaning.repeat === "fresh" || meaning.repeat === "unnamed") return 0;
  return MIN_JITTER_MS + random() * (MAX_JITTER_MS - MIN_JITTER_MS);
}

function mayRepeat({ meaning, isUntouched }: Failure, { kind, isIdempotent, outcome }: Attempt): boolean {
  if (isIdempotent) return true;
  if (outcome === "unknown" || kind === "run") return false;
  // The function of a transaction may have effects elsewhere; only what every transaction has to reckon with repeats it.
  return kind === "statement" || isUntouched || meaning.repeat === "three-times";
}

/** Whether another provider may be given what this one failed to do. */
export function mayMoveOn({ meaning, isUntouched }: Failure, attempt: Omit<Attempt, "repeats">): boolean {
  const { kind, isIdempotent, outcome } = attempt;
  // What the caller's statement brought about, another server would answer just so.
  if (meaning.class === "C" || meaning.code === "query") return false;
  if (isIdempotent) return true;
  return kind !== "run" && outcome === "not_applied" && (kind === "statement" || isUntouched);
}
