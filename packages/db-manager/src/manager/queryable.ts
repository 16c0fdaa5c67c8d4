/** The shapes of statements and their results, independent of the driver's types. */
import { invalidInput, show } from "../errors/errors.ts";
import { assertFields, type OptionNames } from "../configuration/option-names.ts";
import { duration } from "../configuration/options.ts";

/** A statement that each connection prepares under its name, unless a pooler shares the connections. */
export interface NamedStatement {
  /** The name, of at most 63 bytes. One name always stands for the same text. */
  readonly name: string;
  readonly text: string;
  /** Returns the form of the statement for the named provider, if providers differ. Default: the same form for all. */
  readonly formFor?: ((provider: string) => NamedStatement) | undefined;
}

/** Isolation levels of SQL. https://www.postgresql.org/docs/current/transaction-iso.html */
export type IsolationLevel = "read committed" | "repeatable read" | "serializable";

/** Options that limit which providers may serve the work. */
export interface RoutingOptions {
  /** Whether the work only reads, so that a provider that cannot write may serve it. Default: false. */
  readOnly?: boolean | undefined;
  /**
   * Whether the same work may also be sent to the next provider while the first is silent; the first answer counts.
   * Requires `idempotent`. Default: false.
   */
  hedge?: boolean | undefined;
  /** The names of the providers to choose from. Default: all. */
  providers?: readonly string[] | undefined;
  /** Whether a provider that is down is still tried if no better one is left. Default: true. */
  lastResort?: boolean | undefined;
}

/** A row as the server sent it: PostgreSQL's text for each value, or null, in the order of the columns. */
export type TextValues = readonly (string | null)[];

export interface QueryOptions<Row = never> extends RoutingOptions {
  /** Whether the statement may be applied twice without harm, so that it may be repeated. Default: false. */
  idempotent?: boolean | undefined;
  /** Ends the wait at once; what was sent may still be applied. */
  signal?: AbortSignal | undefined;
  /** The time-out of this statement once it has a connection. Default: the provider's `statementTimeoutMs`. */
  timeoutMs?: number | undefined;
  /**
   * The level at which the statement must run, whatever `default_transaction_isolation` is. If a serialization failure
   * reveals that the database has another default, this statement and later ones run between BEGIN and COMMIT, which
   * takes two more round trips. Default: the database's level.
   */
  isolation?: IsolationLevel | undefined;
  /**
   * Whether every value is returned as PostgreSQL's text or null. Default: false; pg's type parsers convert the values.
   */
  asText?: boolean | undefined;
  /**
   * Converts the texts of a row's values as soon as the row arrives, while the server still sends others. If it throws,
   * the statement fails with that error. Default: rows are objects by the names of the columns.
   */
  toRow?: ((values: TextValues) => Row) | undefined;
}

export interface QueryResult<Row> {
  readonly rows: Row[];
  /** The number of rows that were returned or changed. */
  readonly rowCount: number;
  /** The first word of the command tag, such as `INSERT`. */
  readonly command: string;
  /** The name of the provider that answered. */
  readonly provider: string;
}

/** An object that runs statements: a manager, a provider, or the client of a transaction. */
export interface Queryable {
  query<Row extends object = Record<string, unknown>>(
    statement: string | NamedStatement,
    values?: readonly unknown[],
    options?: QueryOptions<Row>,
  ): Promise<QueryResult<Row>>;
}

export interface TransactionOptions extends RoutingOptions {
  /** Whether the whole transaction may be applied twice without harm. Default: false. */
  idempotent?: boolean | undefined;
  /** The time-out of the whole transaction, with waits and retries. Default: `operationTimeoutMs` of the manager. */
  deadlineMs?: number | undefined;
  /** The level that BEGIN requests. Default: the database's level. */
  isolation?: IsolationLevel | undefined;
  signal?: AbortSignal | undefined;
}

export type RunOptions = Omit<TransactionOptions, "isolation">;

/** One provider, for the work of `run()`. Each statement is tried once; `run()` retries the work as a whole. */
export interface ProviderHandle extends Queryable {
  readonly name: string;
  transaction<Result>(work: (client: Queryable) => Promise<Result>): Promise<Result>;
}

const ROUTING_OPTIONS: OptionNames<RoutingOptions> = {
  readOnly: true,
  hedge: true,
  providers: true,
  lastResort: true,
};
const QUERY_OPTIONS: OptionNames<QueryOptions> = {
  ...ROUTING_OPTIONS,
  idempotent: true,
  signal: true,
  timeoutMs: true,
  asText: true,
  toRow: true,
  isolation: true,
};
export const TRANSACTION_OPTIONS: OptionNames<TransactionOptions> = {
  ...ROUTING_OPTIONS,
  idempotent: true,
  deadlineMs: true,
  isolation: true,
  signal: true,
};

const ISOLATION_LEVELS: readonly unknown[] = [
  undefined,
  "read committed",
  "repeatable read",
  "serializable",
] satisfies readonly (IsolationLevel | undefined)[];
const MAX_NAME_BYTES = 63;
/** The protocol counts parameters in 16 bits. Above the limit, pg fails with a misleading message. */
const MAX_PARAMETERS = 65_535;

/** @throws {DatabaseError} `invalid_input` */
export function checkQuery(
  statement: string | NamedStatement,
  values: readonly unknown[] | undefined,
  options: QueryOptions<object> | undefined,
): void {
  if (typeof statement !== "string") {
    if (typeof statement?.text !== "string" || typeof statement.name !== "string") {
      throw invalidInput("statement", "must be a string or { name, text }");
    }
    const { name } = statement;
    // A name has at most three bytes for each UTF-16 unit, so the exact count is needed only for longer names.
    if (name === "" || (name.length * 3 > MAX_NAME_BYTES && Buffer.byteLength(name) > MAX_NAME_BYTES)) {
      throw invalidInput("statement.name", `is ${show(name)}; expected 1 to ${MAX_NAME_BYTES} bytes`);
    }
  }
  if (values !== undefined) {
    if (!Array.isArray(values)) throw invalidInput("values", "must be an array");
    if (values.length > MAX_PARAMETERS) {
      throw invalidInput("values", `has ${values.length} elements; a statement takes at most ${MAX_PARAMETERS}`);
    }
  }
  if (options === undefined) return;
  assertFields(options, QUERY_OPTIONS, "options");
  if (options.toRow !== undefined && typeof options.toRow !== "function") {
    throw invalidInput("options.toRow", "must be a function of the values of a row");
  }
  if (options.isolation !== undefined) assertIsolation(options.isolation);
  if (options.timeoutMs !== undefined) duration(options.timeoutMs, "options.timeoutMs", 0);
}

/** @throws {DatabaseError} `invalid_input` */
export function assertIsolation(level: unknown): void {
  if (ISOLATION_LEVELS.includes(level)) return;
  throw invalidInput("options.isolation", "must be read committed, repeatable read or serializable");
}
