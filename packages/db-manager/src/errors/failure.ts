/** Converts native errors to `DatabaseError`, and keeps facts about each that only the retry logic needs. */
import { classify, type Meaning } from "./error-taxonomy.ts";
import { DatabaseError } from "./errors.ts";
import { isPlainAnswer, readNativeError } from "./native-error.ts";
import type { Redactor } from "./redaction.ts";

export interface Failure {
  readonly meaning: Meaning;
  /** Whether none of the caller's work was sent or called, so that a retry cannot apply anything twice. */
  readonly isUntouched: boolean;
  /** Whether the connection may be used again. */
  readonly isConnectionSound: boolean;
}

export interface Circumstances {
  /** Whether the statement was sent before the error occurred. */
  readonly isSent: boolean;
  /** Whether the statement alone has no lasting effect, such as a statement of a transaction before its COMMIT. */
  readonly isHarmless?: boolean;
  readonly isUntouched?: boolean;
}

interface Origin {
  readonly provider: string;
  readonly host: string;
  readonly redactor: Redactor;
}

const failures = new WeakMap<object, Failure>();

/** The depth to which the causes of a caller's error are searched for a `DatabaseError`. */
const MAX_CAUSES = 8;

export function toDatabaseError(error: unknown, circumstances: Circumstances, origin: Origin): DatabaseError {
  const { isSent, isHarmless = false, isUntouched = !isSent } = circumstances;
  const native = readNativeError(error);
  const meaning = classify(native, isSent);
  origin.redactor.clean(error);
  const { provider, host } = origin;
  const message = origin.redactor.text(native.message);
  const failure = new DatabaseError({
    code: meaning.code,
    message: `${provider} (${host}): ${message}${meaning.advice === "" ? "" : `; ${meaning.advice}`}`,
    retryable: meaning.isRetryable,
    outcome: isHarmless ? "not_applied" : meaning.outcome,
    provider,
    host,
    sqlState: native.severity === undefined ? undefined : native.code,
    constraint: native.constraint,
    column: native.column,
    table: native.table,
    cause: error,
  });
  const isConnectionSound =
    !isSent || (isPlainAnswer(native) && !meaning.isConnectionLost && meaning.repeat !== "unnamed");
  failures.set(failure, { meaning, isUntouched, isConnectionSound });
  return failure;
}

/** Returns the facts about a `DatabaseError`, even if the caller's code wrapped it in another error. */
export function failureOf(error: unknown): Failure | undefined {
  let current: unknown = error;
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error; depth += 1) {
    const failure = failures.get(current);
    if (failure !== undefined) return failure;
    current = current.cause;
  }
  return undefined;
}

/** Returns the error of the last attempt with an unknown outcome, because an earlier attempt may have been applied. */
export function withUnknownOutcome(error: DatabaseError): DatabaseError {
  const { code, message, retryable, path, provider, host, sqlState, constraint, column, table, cause } = error;
  const failure = failures.get(error);
  const copy = new DatabaseError({
    code,
    message: `${message}; an earlier attempt may have been applied`,
    retryable,
    outcome: "unknown",
    path,
    provider,
    host,
    sqlState,
    constraint,
    column,
    table,
    cause,
  });
  if (failure !== undefined) failures.set(copy, failure);
  return copy;
}
