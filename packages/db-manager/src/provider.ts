import { Connection } from "./connection.ts";
import { within, type Deadline } from "./deadline.ts";
import type { DatabaseError } from "./errors.ts";
import { failureOf, toDatabaseError, type Circumstances } from "./failure.ts";
import { LatencyWindow, type Latency } from "./latency.ts";
import type { ProviderSettings } from "./options.ts";
import { Pool, type PoolStats } from "./pool.ts";
import { nextState, type ProviderEvent, type ProviderHealth, type ProviderState } from "./provider-state.ts";
import {
  checkQuery,
  type NamedStatement,
  type ProviderHandle,
  type Queryable,
  type QueryOptions,
  type QueryResult,
} from "./queryable.ts";
import { Redactor } from "./redaction.ts";
import { runTransaction } from "./transaction.ts";

export interface ProviderStats {
  readonly state: ProviderState;
  readonly since: Date;
  /** `host:port`, or the path of a socket. */
  readonly host: string;
  readonly statements: "named" | "unnamed";
  /** Of the latest 256 statements that were answered. */
  readonly latencyMs: Latency;
  readonly pool: PoolStats;
  readonly drainIntervalMs: number | undefined;
}

export interface StateChange {
  readonly provider: string;
  readonly from: ProviderState;
  readonly to: ProviderState;
  /** What brought it about, where that was an error. */
  readonly error: DatabaseError | undefined;
}

export interface ProviderListeners {
  readonly onStateChange: (change: StateChange) => void;
  /** An error that no caller was waiting for. */
  readonly onError: (error: DatabaseError) => void;
}

/** How one attempt is made. */
export interface AttemptContext {
  readonly deadline: Deadline;
  readonly isUnnamed: boolean;
}

const WRITES: ReadonlySet<string> = new Set(["INSERT", "UPDATE", "DELETE", "MERGE"]);
const CHECK = `SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool AS "isReadOnly"`;

/** One database: its connections, its health and its errors. Every call is one attempt. */
export class Provider {
  readonly name: string;
  readonly #settings: ProviderSettings;
  readonly #nowMs: () => number;
  readonly #listeners: ProviderListeners;
  readonly #pool: Pool;
  readonly #latency = new LatencyWindow();
  readonly #redactor: Redactor;
  #health: ProviderHealth;

  constructor(settings: ProviderSettings, nowMs: () => number, listeners: ProviderListeners) {
    const { name, fields, poolSize, connectTimeoutMs } = settings;
    this.name = name;
    this.#settings = settings;
    this.#nowMs = nowMs;
    this.#listeners = listeners;
    this.#health = { state: "unknown", sinceMs: nowMs() };
    this.#redactor = new Redactor(fields.secrets, [fields.user, fields.database, fields.host]);
    this.#pool = new Pool({
      max: poolSize,
      open: () => Connection.open(fields, connectTimeoutMs),
      nowMs,
      onOpenFailed: (error, generation) => this.#failed(error, { isSent: false }, generation),
      onIdleLost: (error, generation) => listeners.onError(this.#failed(error, { isSent: false }, generation)),
    });
  }

  async query<Row extends object>(
    statement: string | NamedStatement,
    values: readonly unknown[] | undefined,
    options: QueryOptions,
    context: AttemptContext,
  ): Promise<QueryResult<Row>> {
    const connection = await this.#acquire(context.deadline);
    let isSound = true;
    try {
      return await this.#send<Row>(connection, statement, values, options, context, {});
    } catch (error) {
      isSound = failureOf(error)?.isConnectionSound ?? false;
      throw error;
    } finally {
      this.#pool.release(connection, isSound);
    }
  }

  async transaction<Result>(work: (client: Queryable) => Promise<Result>, context: AttemptContext): Promise<Result> {
    const { deadline } = context;
    const connection = await this.#acquire(deadline);
    let isSound = true;
    try {
      return await runTransaction(
        connection,
        deadline,
        {
          send: async <Row extends object>(
            statement: string | NamedStatement,
            values: readonly unknown[] | undefined,
            options: QueryOptions,
            circumstances: Omit<Circumstances, "isSent">,
          ) => {
            try {
              return await this.#send<Row>(connection, statement, values, options, context, circumstances);
            } catch (error) {
              isSound &&= failureOf(error)?.isConnectionSound ?? false;
              throw error;
            }
          },
          toError: (error, circumstances) => this.#toError(error, circumstances),
        },
        work,
      );
    } finally {
      this.#pool.release(connection, isSound);
    }
  }

  /** Any work with this provider, each of whose statements is tried once. */
  async run<Result>(work: (provider: ProviderHandle) => Promise<Result>, context: AttemptContext): Promise<Result> {
    const handle: ProviderHandle = {
      name: this.name,
      query: async (statement, values, options = {}) => {
        checkQuery(statement, values, options);
        return this.query(statement, values, options, context);
      },
      transaction: (inner) => this.transaction(inner, context),
    };
    return within(context.deadline, work(handle), (fault) => this.#toError(fault, { isSent: true }));
  }

  /** Asks the server with a statement of its own. */
  async check(deadline: Deadline): Promise<void> {
    const { rows } = await this.query<{ isReadOnly: boolean }>(CHECK, undefined, {}, { deadline, isUnnamed: true });
    this.#apply({ type: "checked", isReadOnly: rows[0]?.isReadOnly === true }, undefined);
  }

  stats(): ProviderStats {
    const { fields, drainIntervalMs } = this.#settings;
    return {
      state: this.#health.state,
      since: new Date(this.#health.sinceMs),
      host: fields.place,
      statements: fields.statements,
      latencyMs: this.#latency.summary(),
      pool: this.#pool.stats(),
      drainIntervalMs,
    };
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #acquire(deadline: Deadline): Promise<Connection> {
    try {
      return await this.#pool.acquire(deadline);
    } catch (error) {
      // What it says about the provider was counted by the pool, once for all who waited.
      throw this.#toError(error, { isSent: false });
    }
  }

  async #send<Row extends object>(
    connection: Connection,
    statement: string | NamedStatement,
    values: readonly unknown[] | undefined,
    options: QueryOptions,
    { deadline, isUnnamed }: AttemptContext,
    circumstances: Omit<Circumstances, "isSent">,
  ): Promise<QueryResult<Row>> {
    const { fields, statementTimeoutMs } = this.#settings;
    const signal = options.signal ?? deadline.signal;
    let isSent = false;
    try {
      deadline.check(signal);
      if (connection.isDead) throw connection.fault;
      isSent = true;
      const startMs = this.#nowMs();
      const { rows, rowCount, command } = await connection.query<Row>({
        statement,
        values,
        isNamed: !isUnnamed && fields.statements === "named",
        isText: options.asText === true,
        timeoutMs: Math.min(options.timeoutMs ?? statementTimeoutMs, deadline.remainingMs()),
        signal,
      });
      this.#latency.record(this.#nowMs() - startMs);
      if (this.#health.state !== "up") this.#apply({ type: "answered", isWrite: WRITES.has(command) }, undefined);
      return { rows, rowCount, command, provider: this.name };
    } catch (error) {
      throw this.#failed(error, { ...circumstances, isSent }, connection.generation);
    }
  }

  /** The typed error, after what it says about the provider was taken in. */
  #failed(error: unknown, circumstances: Circumstances, generation: number): DatabaseError {
    const failure = this.#toError(error, circumstances);
    const meaning = failureOf(failure)?.meaning;
    if (meaning !== undefined && generation === this.#pool.generation) {
      if (meaning.isConnectionLost) this.#pool.renew();
      this.#apply({ type: "failed", effect: meaning.state }, failure);
    }
    return failure;
  }

  #toError(error: unknown, circumstances: Circumstances): DatabaseError {
    const origin = { provider: this.name, host: this.#settings.fields.place, redactor: this.#redactor };
    return toDatabaseError(error, circumstances, origin);
  }

  #apply(event: ProviderEvent, error: DatabaseError | undefined): void {
    const before = this.#health;
    this.#health = nextState(before, event, this.#nowMs());
    if (this.#health === before) return;
    this.#listeners.onStateChange({ provider: this.name, from: before.state, to: this.#health.state, error });
  }
}
