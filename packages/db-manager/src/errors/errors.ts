/**
 * What went wrong, as a stable word to branch on.
 *
 * - `invalid_input`: an option, a variable of the environment or an argument is not what it must be; nothing was sent.
 * - `unavailable`: the provider cannot take the work now (unreachable, starting, full, read-only, not trusted).
 * - `timeout`: a deadline passed before the provider answered, or the caller's signal ended the wait.
 * - `permission`: the provider refused the credentials, or the role may not do this.
 * - `schema`: the database or the schema that was asked for does not exist.
 * - `closed`: the manager was closed, or the transaction is over.
 * - `query`: the statement was answered with any other error; `sqlState` says which.
 */
export type DatabaseErrorCode =
  | "invalid_input"
  | "unavailable"
  | "timeout"
  | "permission"
  | "schema"
  | "closed"
  | "query";

/** Whether failed work may have left something behind. `not_applied` is certain: never sent, or answered with an error. */
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
 * The one error class of this package. What the caller's own functions throw passes through as it is.
 *
 * Messages say what happened, where and what to do. Neither they nor the cause contain a password or an address with one.
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
  /** For `invalid_input`: where the offending value sits, such as `options.providers[1].poolSize`. */
  readonly path: string | undefined;
  /** The name of the provider, where one was involved. */
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

  /** Recognises a `DatabaseError` of any copy of this package, where `instanceof` sees only its own copy. */
  static isInstance(value: unknown): value is DatabaseError {
    return value instanceof Error && marker in value && value[marker] === true;
  }
}

/** The shortest way to say that an option or argument is wrong: where it sits, and what was wrong and expected. */
export function invalidInput(path: string, problem: string): DatabaseError {
  return new DatabaseError({ code: "invalid_input", message: `${path} ${problem}`, path });
}

/** A value in a message. A text is not shown: a misplaced one may be a password, or an address with one. */
export function show(value: unknown): string {
  if (typeof value === "string") return value === "" ? "an empty string" : `a string of ${value.length} characters`;
  return value === null || typeof value !== "object" ? String(value) : "an object";
}
