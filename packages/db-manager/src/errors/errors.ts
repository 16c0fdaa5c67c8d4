/**
 * The kind of an error, as a stable word to branch on.
 *
 * - `invalid_input`: an option, an environment variable or an argument is not valid; nothing was sent.
 * - `unavailable`: the provider cannot take the work now (unreachable, starting, full, read-only, not trusted).
 * - `timeout`: a deadline passed before the provider answered, or the caller's signal ended the wait.
 * - `permission`: the provider refused the credentials, or the role lacks a privilege.
 * - `schema`: the requested database or schema does not exist.
 * - `closed`: the manager was closed, or the transaction is over.
 * - `query`: the server answered with any other error; `sqlState` identifies it.
 */
export type DatabaseErrorCode =
  | "invalid_input"
  | "unavailable"
  | "timeout"
  | "permission"
  | "schema"
  | "closed"
  | "query";

/**
 * Whether failed work may have been applied. `not_applied` is certain: the work was never sent, or the server answered
 * it with an error.
 */
export type Outcome = "not_applied" | "unknown";

export interface DatabaseErrorInit {
  code: DatabaseErrorCode;
  message: string;
  retryable?: boolean | undefined;
  outcome?: Outcome | undefined;
  path?: string | undefined;
  provider?: string | undefined;
  host?: string | undefined;
  sqlState?: string | undefined;
  constraint?: string | undefined;
  column?: string | undefined;
  table?: string | undefined;
  cause?: unknown;
}

const marker: unique symbol = Symbol.for("@rivet/db-manager/DatabaseError");

/**
 * The only error class of this package. Errors thrown by the caller's own functions pass through unchanged.
 *
 * A message states what happened, where, and what to do. Neither the message nor the cause contains a password.
 *
 * @example
 * try {
 *   await db.query("INSERT INTO machines (id) VALUES ($1)", [7]);
 * } catch (error) {
 *   if (DatabaseError.isInstance(error) && error.outcome === "unknown") await lookWhetherItIsThere(7);
 *   else throw error;
 * }
 */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  readonly code: DatabaseErrorCode;
  /** Whether the same call may succeed later without any change by the caller. */
  readonly retryable: boolean;
  readonly outcome: Outcome;
  /** For `invalid_input`: the path of the offending value, such as `options.providers[1].poolSize`. */
  readonly path: string | undefined;
  /** The name of the provider, if one was involved. */
  readonly provider: string | undefined;
  /** `host:port` of the provider, or the path of its socket. */
  readonly host: string | undefined;
  /** The five characters of PostgreSQL's SQLSTATE, when the server answered. */
  readonly sqlState: string | undefined;
  readonly constraint: string | undefined;
  readonly column: string | undefined;
  readonly table: string | undefined;
  readonly [marker] = true;

  constructor(init: DatabaseErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = init.code;
    this.retryable = init.retryable ?? false;
    this.outcome = init.outcome ?? "not_applied";
    this.path = init.path;
    this.provider = init.provider;
    this.host = init.host;
    this.sqlState = init.sqlState;
    this.constraint = init.constraint;
    this.column = init.column;
    this.table = init.table;
    Object.defineProperty(this, marker, { enumerable: false });
  }

  /** Recognises a `DatabaseError` of any copy of this package; `instanceof` recognises only those of its own copy. */
  static isInstance(value: unknown): value is DatabaseError {
    return value instanceof Error && marker in value && value[marker] === true;
  }
}

/** Makes an `invalid_input` error: the path of the value, and a text that states what was wrong and expected. */
export function invalidInput(path: string, problem: string): DatabaseError {
  return new DatabaseError({ code: "invalid_input", message: `${path} ${problem}`, path });
}

/** Formats a value for a message. Strings are not shown: a misplaced string may be a password or contain one. */
export function show(value: unknown): string {
  if (typeof value === "string") return value === "" ? "an empty string" : `a string of ${value.length} characters`;
  return value === null || typeof value !== "object" ? String(value) : "an object";
}
