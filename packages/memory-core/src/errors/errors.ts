/**
 * The kind of a failure, as a stable word to branch on.
 *
 * - `invalid_input`: the contract does not allow an argument; nothing was sent anywhere.
 * - `not_found`: the session was deleted, or something that must exist does not.
 * - `conflict`: the same id with other content, or a session that changed under `ifUnchanged`.
 * - `permission`: the session belongs to another user, or the store refuses the access.
 * - `unavailable`: the store cannot take the operation now (busy, full, unreachable).
 * - `timeout`: the deadline passed before the store answered.
 * - `schema`: the store's tables are newer, older or other than this code expects.
 * - `corrupt`: stored data cannot be read.
 * - `closed`: the storage was closed.
 * - `unknown`: none of the above; `cause` has the native error.
 */
export type MemoryErrorCode =
  | "invalid_input"
  | "not_found"
  | "conflict"
  | "permission"
  | "unavailable"
  | "timeout"
  | "schema"
  | "corrupt"
  | "closed"
  | "unknown";

/**
 * Whether a failed write may have been applied: `not_applied` is certain, `unknown` means that the same call should be
 * repeated.
 */
export type WriteOutcome = "not_applied" | "unknown";

export interface MemoryErrorInit {
  code: MemoryErrorCode;
  message: string;
  operation?: string | undefined;
  backend?: string | undefined;
  retryable?: boolean | undefined;
  outcome?: WriteOutcome | undefined;
  path?: string | undefined;
  sessionId?: string | undefined;
  atomId?: string | undefined;
  cause?: unknown;
}

const marker: unique symbol = Symbol.for("@rivet/memory-core/MemoryError");

/**
 * The one error class of Rivet Memory.
 *
 * Messages say what was wrong, what was expected and what to do. They never contain a password, a key or a connection
 * string.
 *
 * @example
 * try {
 *   await session.save({ ifUnchanged: true });
 * } catch (error) {
 *   if (MemoryError.isInstance(error) && error.code === "conflict") await session.refresh();
 *   else throw error;
 * }
 */
export class MemoryError extends Error {
  override readonly name = "MemoryError";
  readonly code: MemoryErrorCode;
  /** The public method that failed, such as `saveSession`. */
  readonly operation: string | undefined;
  /** The backend that failed, such as `sqlite`; undefined when the error arose before any backend was involved. */
  readonly backend: string | undefined;
  /** Whether the same call may succeed later without any change by the caller. */
  readonly retryable: boolean;
  /** For writes: whether anything may have been applied. Undefined for reads. */
  readonly outcome: WriteOutcome | undefined;
  /** For `invalid_input`: the path of the offending value, such as `content.steps[2].at`. */
  readonly path: string | undefined;
  /** The session concerned, if there is one. */
  readonly sessionId: string | undefined;
  /** The atom concerned, if there is one. */
  readonly atomId: string | undefined;
  readonly [marker] = true;

  constructor(init: MemoryErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = init.code;
    this.operation = init.operation;
    this.backend = init.backend;
    this.retryable = init.retryable ?? false;
    this.outcome = init.outcome;
    this.path = init.path;
    this.sessionId = init.sessionId;
    this.atomId = init.atomId;
    Object.defineProperty(this, marker, { enumerable: false });
  }

  /** Recognises a `MemoryError` of any copy of this package; `instanceof` recognises only its own copy. */
  static isInstance(value: unknown): value is MemoryError {
    return value instanceof Error && marker in value && value[marker] === true;
  }
}

/** Creates the error for an invalid argument: its path, the problem and the expected value. */
export function invalidInput(path: string, problem: string, cause?: unknown): MemoryError {
  return new MemoryError({ code: "invalid_input", message: `${path} ${problem}`, path, cause });
}

/**
 * Copies an error with the operation, backend and outcome that only the outer layers know. Fields that are already set
 * are kept.
 */
export function withContext(
  error: MemoryError,
  context: Pick<MemoryErrorInit, "operation" | "backend" | "outcome">,
): MemoryError {
  const contextual = new MemoryError({
    code: error.code,
    message: error.message,
    operation: error.operation ?? context.operation,
    backend: error.backend ?? context.backend,
    retryable: error.retryable,
    outcome: error.outcome ?? context.outcome,
    path: error.path,
    sessionId: error.sessionId,
    atomId: error.atomId,
    cause: error.cause,
  });
  if (error.stack !== undefined) contextual.stack = error.stack;
  return contextual;
}
