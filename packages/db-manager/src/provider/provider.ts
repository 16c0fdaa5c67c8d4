import { Connection } from "../connection/connection.ts";
import { Deadline, within } from "../connection/deadline.ts";
import { DatabaseError } from "../errors/errors.ts";
import { Health } from "./health.ts";
import { failureOf, toDatabaseError, type Circumstances } from "../errors/failure.ts";
import { LatencyWindow } from "./latency.ts";
import type { ProviderSettings } from "../configuration/options.ts";
import { Pool } from "../connection/pool.ts";
import { probe } from "./probe.ts";
import { Prober } from "./prober.ts";
import type { ProviderContext } from "./provider-context.ts";
import type { ProviderState } from "./provider-state.ts";
import type { ProviderStats } from "./provider-stats.ts";
import {
  checkQuery,
  type IsolationLevel,
  type NamedStatement,
  type ProviderHandle,
  type Queryable,
  type QueryOptions,
  type QueryResult,
} from "../manager/queryable.ts";
import { Redactor } from "../errors/redaction.ts";
import type { ReturnGuard } from "./return-guards.ts";
import type { ProviderTelemetry } from "../telemetry/telemetry.ts";
import { runTransaction } from "../connection/transaction.ts";
import { bytesOf, isShort, transferMs } from "../connection/transfer.ts";

/** The circumstances of one attempt. */
export interface AttemptContext {
  readonly deadline: Deadline;
  readonly isUnnamed: boolean;
}

/** Answers that take less time are a measure of the server's health, whatever their size. */
const QUICK_MS = 50;

const WRITES: ReadonlySet<string> = new Set(["INSERT", "UPDATE", "DELETE", "MERGE"]);
const CHECK = `SELECT pg_catalog.pg_is_in_recovery() OR pg_catalog.current_setting('transaction_read_only')::pg_catalog.bool AS "isReadOnly"`;

const ISOLATION = "SELECT pg_catalog.current_setting('default_transaction_isolation') AS level";

/** The deadline of a guard's work. Each of its statements has its own deadline. */
const GUARD_DEADLINE_MS = 10 * 60_000;

/** One database: its connections, its health and its errors. Every call is one attempt; this class does not retry. */
export class Provider {
  readonly name: string;
  readonly #settings: ProviderSettings;
  readonly #context: ProviderContext;
  readonly #pool: Pool;
  readonly #latency = new LatencyWindow();
  readonly #redactor: Redactor;
  readonly #prober: Prober;
  readonly #telemetry: ProviderTelemetry | undefined;
  readonly #health: Health;
  #hedges = 0;
  #failovers = 0;
  /**
   * Whether the database's default isolation level differs from the one requested, so that BEGIN must name the level.
   */
  #isIsolationSaid = false;

  constructor(settings: ProviderSettings, context: ProviderContext) {
    const { name, fields, poolSize } = settings;
    const { nowMs, random, dwellMs } = context;
    this.name = name;
    this.#settings = settings;
    this.#context = context;
    this.#telemetry = context.telemetry?.forProvider(settings);
    this.#health = new Health({
      provider: name,
      nowMs,
      dwellMs,
      isAlone: () => context.isAlone(name),
      onChange: (change) => {
        this.scheduleProbe();
        context.onStateChange(change);
      },
    });
    this.#redactor = new Redactor(fields.secrets, [fields.user, fields.database, fields.host]);
    this.#pool = new Pool({
      max: poolSize,
      open: () => this.#connect(),
      nowMs,
      allowanceMs: () => this.allowanceMs,
      onOpenFailed: (error, generation) => this.#openFailed(error, generation),
      onIdleLost: (error, generation) => this.#idleLost(error, generation),
    });
    this.#prober = new Prober({
      nowMs,
      longestMs: context.longestProbeDelayMs,
      random,
      isAlone: () => context.isAlone(name),
      health: () => this.#health.current,
      probe: () => probe({ health: this.#health, ask: () => this.#ask(), pass: (step) => this.#passGuards(step) }),
    });
  }

  get state(): ProviderState {
    return this.#health.state;
  }

  /** The 99th percentile of the latest latencies, in ms. */
  get p99Ms(): number | undefined {
    return this.#latency.p99Ms;
  }

  get slowestBytesPerSecond(): number {
    return this.#settings.slowestBytesPerSecond;
  }

  /** The extra time that an answer may take because of the bytes in transit to and from the provider. */
  get allowanceMs(): number {
    return transferMs(this.#pool.bytesUnderWay, this.slowestBytesPerSecond);
  }

  async query<Row extends object>(
    statement: string | NamedStatement,
    values: readonly unknown[] | undefined,
    options: QueryOptions<Row>,
    context: AttemptContext,
  ): Promise<QueryResult<Row>> {
    const { isolation } = options;
    if (isolation !== undefined && this.#isIsolationSaid) {
      return this.transaction((client) => client.query(statement, values, options), context, isolation);
    }
    const connection = await this.#acquire(context.deadline);
    let isSound = true;
    try {
      return await this.#send<Row>(connection, statement, values, options, context, {});
    } catch (error) {
      isSound = failureOf(error)?.isConnectionSound ?? false;
      if (isolation !== undefined && isSound && isOfIsolation(error)) {
        this.#isIsolationSaid ||= await this.#hasOtherIsolation(connection, isolation, context);
      }
      throw error;
    } finally {
      this.#pool.release(connection, isSound);
    }
  }

  async transaction<Result>(
    work: (client: Queryable) => Promise<Result>,
    context: AttemptContext,
    isolation?: IsolationLevel,
  ): Promise<Result> {
    const { deadline } = context;
    const connection = await this.#acquire(deadline);
    let isSound = true;
    try {
      return await runTransaction(
        connection,
        deadline,
        {
          isolation,
          send: async <Row extends object>(
            statement: string | NamedStatement,
            values: readonly unknown[] | undefined,
            options: QueryOptions<Row>,
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

  /** Runs work with this provider. Each of its statements is tried once. */
  async run<Result>(work: (provider: ProviderHandle) => Promise<Result>, context: AttemptContext): Promise<Result> {
    return within(context.deadline, work(this.#handle(context)), (fault) => this.#toError(fault, { isSent: true }));
  }

  /** Checks the server with a separate statement, on a connection of the pool. */
  async check(deadline: Deadline): Promise<void> {
    const context = { deadline, isUnnamed: true };
    const { rows } = await this.query<{ isReadOnly: boolean }>(CHECK, undefined, {}, context);
    this.#health.apply({ type: "probed", isReadOnly: rows[0]?.isReadOnly === true });
  }

  /** Reschedules the next probe. Call this when the conditions of probing have changed. */
  scheduleProbe(): void {
    if (this.#context.isProbing()) this.#prober.schedule();
  }

  /** Records that another provider answered a request that this one received first. */
  overtaken(): void {
    this.#health.apply({ type: "overtaken" });
  }

  countHedge(): void {
    this.#hedges += 1;
    this.#telemetry?.countHedge();
  }

  countFailover(): void {
    this.#failovers += 1;
    this.#telemetry?.countFailover();
  }

  /** Takes the provider out of use until it passes the return guards, unless it takes no work anyway. */
  exclude(reason: unknown): void {
    if (this.state === "up" || this.state === "unknown") this.#refuse(reason);
  }

  /** Reports a failure in the background. */
  report(reason: unknown): void {
    this.#context.onError(this.#errorFor(reason));
  }

  /** Undoes the effect of an error on the health, because the error was the caller's fault. */
  acquit(error: DatabaseError): void {
    this.#health.acquit(error);
  }

  stats(): ProviderStats {
    const { fields, drainIntervalMs } = this.#settings;
    return {
      state: this.#health.state,
      since: new Date(this.#health.current.sinceMs),
      host: fields.place,
      statements: fields.statements,
      lastError: this.#health.lastError,
      latencyMs: this.#latency.summary(),
      pool: this.#pool.stats(),
      hedges: this.#hedges,
      failovers: this.#failovers,
      drainIntervalMs,
    };
  }

  async close(): Promise<void> {
    this.#prober.stop();
    await this.#pool.close();
  }

  #handle(context: AttemptContext): ProviderHandle {
    return {
      name: this.name,
      query: async (statement, values, options = {}) => {
        checkQuery(statement, values, options);
        return this.query(statement, values, options, context);
      },
      transaction: (inner) => this.transaction(inner, context),
    };
  }

  /**
   * Whether the database has another isolation level. Never rejects, because the error that led here must be thrown.
   */
  async #hasOtherIsolation(
    connection: Connection,
    isolation: IsolationLevel,
    context: AttemptContext,
  ): Promise<boolean> {
    try {
      const { rows } = await this.#send<{ level: string }>(connection, ISOLATION, undefined, {}, context, {});
      return rows[0]?.level !== isolation;
    } catch {
      return false;
    }
  }

  #connect(): Promise<Connection> {
    const { fields, connectTimeoutMs, coldConnectTimeoutMs } = this.#settings;
    const timeoutMs = this.#pool.isCold ? coldConnectTimeoutMs : connectTimeoutMs;
    return Connection.open(fields, timeoutMs, () => this.allowanceMs);
  }

  /**
   * Probes on a new connection, so that no user's statement delays it. After a good answer the pool keeps the
   * connection.
   */
  async #ask(): Promise<{ isReadOnly: boolean } | undefined> {
    const { generation } = this.#pool;
    const timeoutMs = this.#settings.statementTimeoutMs;
    let connection: Connection | undefined;
    try {
      connection = await this.#connect();
      const request = { values: undefined, isNamed: false, isText: false, timeoutMs, signal: undefined };
      const { rows } = await connection.query<{ isReadOnly: boolean }>({ statement: CHECK, ...request });
      this.#pool.adopt(connection);
      return { isReadOnly: rows[0]?.isReadOnly === true };
    } catch (error) {
      connection?.destroy(error);
      this.#failed(error, { isSent: connection !== undefined }, generation);
      return undefined;
    }
  }

  async #passGuards(step: keyof ReturnGuard): Promise<boolean> {
    const deadline = new Deadline(GUARD_DEADLINE_MS, this.#context.nowMs, undefined);
    try {
      await this.#context.guards.pass(step, this.#handle({ deadline, isUnnamed: false }));
      return true;
    } catch (thrown) {
      if (step === "admit") this.#refuse(thrown);
      this.#context.onError(this.#errorFor(thrown));
      return false;
    }
  }

  /**
   * Handles a failed guard. If the identity check itself failed, retries soon; if this is the wrong database, stops
   * using it.
   */
  #refuse(reason: unknown): void {
    const error = this.#errorFor(reason);
    const mayPass = failureOf(reason)?.meaning.isRetryable === true;
    this.#health.note(error);
    this.#health.apply({ type: "failed", effect: mayPass ? "down" : "ineligible" }, error);
  }

  #errorFor(thrown: unknown): DatabaseError {
    if (DatabaseError.isInstance(thrown)) return thrown;
    const host = this.#settings.fields.place;
    const reason = this.#redactor.text(thrown instanceof Error ? thrown.message : String(thrown));
    const message = `${this.name} (${host}): ${reason}`;
    return new DatabaseError({ code: "schema", message, provider: this.name, host, cause: thrown });
  }

  async #acquire(deadline: Deadline): Promise<Connection> {
    try {
      return await this.#pool.acquire(deadline);
    } catch (error) {
      // The pool has already counted the effect on the provider, once for all waiting callers.
      throw this.#toError(error, { isSent: false });
    }
  }

  async #send<Row extends object>(
    connection: Connection,
    given: string | NamedStatement,
    values: readonly unknown[] | undefined,
    options: QueryOptions<Row>,
    { deadline, isUnnamed }: AttemptContext,
    circumstances: Omit<Circumstances, "isSent">,
  ): Promise<QueryResult<Row>> {
    const statement = typeof given === "string" ? given : (given.formFor?.(this.name) ?? given);
    const { fields, statementTimeoutMs } = this.#settings;
    const { nowMs } = this.#context;
    const signal = options.signal ?? deadline.signal;
    let isSent = false;
    let observed: ReturnType<ProviderTelemetry["send"]> | undefined;
    try {
      const startMs = nowMs();
      deadline.check(signal, startMs);
      if (connection.isDead) throw connection.fault;
      isSent = true;
      observed = this.#telemetry?.send(statement, values);
      const { rows, rowCount, command } = await connection.query<Row>({
        statement,
        values,
        isNamed: !isUnnamed && fields.statements === "named",
        isText: options.asText === true,
        toRow: options.toRow,
        timeoutMs: Math.min(options.timeoutMs ?? statementTimeoutMs, deadline.remainingMs(startMs)),
        signal,
        deadline,
      });
      const tookMs = nowMs() - startMs;
      // A long transfer is not a measure of the server's latency.
      if (tookMs < QUICK_MS || isShort(bytesOf(values) + connection.bytesReceived)) this.#latency.record(tookMs);
      observed?.answered(command);
      if (this.#health.state !== "up") this.#health.apply({ type: "answered", isWrite: WRITES.has(command) });
      return { rows, rowCount, command, provider: this.name };
    } catch (error) {
      const failure = this.#failed(error, { ...circumstances, isSent }, connection.generation);
      observed?.failed(failure);
      throw failure;
    }
  }

  #openFailed(error: unknown, generation: number): void {
    const isFullElsewhere = failureOf(this.#toError(error, { isSent: false }))?.meaning.state === "saturated";
    // The connections that are already open go on working.
    if (isFullElsewhere && !this.#pool.isCold) return;
    this.#failed(error, { isSent: false }, generation);
  }

  /**
   * Handles a lost idle connection. Servers end these for various reasons; a probe or the next statement reveals a
   * fault.
   */
  #idleLost(error: unknown, generation: number): void {
    const failure = this.#toError(error, { isSent: false });
    const effect = failureOf(failure)?.meaning.state === "down" ? "suspect" : undefined;
    this.#takeIn(failure, generation, effect);
    this.#context.onError(failure);
  }

  /** Updates the health of the provider and returns the typed error. */
  #failed(error: unknown, circumstances: Circumstances, generation: number): DatabaseError {
    const failure = this.#toError(error, circumstances);
    this.#takeIn(failure, generation);
    return failure;
  }

  #takeIn(failure: DatabaseError, generation: number, effect = failureOf(failure)?.meaning.state): void {
    const meaning = failureOf(failure)?.meaning;
    if (meaning === undefined) return;
    if (meaning.class !== "C") this.#health.note(failure);
    if (effect === undefined || generation !== this.#pool.generation) return;
    if (meaning.isConnectionLost) this.#pool.renew();
    this.#health.apply({ type: "failed", effect }, failure);
  }

  #toError(error: unknown, circumstances: Circumstances): DatabaseError {
    const origin = { provider: this.name, host: this.#settings.fields.place, redactor: this.#redactor };
    return toDatabaseError(error, circumstances, origin);
  }
}

/**
 * The codes of serialization failures, and of a standby, which refuses everything while the default is `serializable`.
 */
const ISOLATION_STATES: ReadonlySet<string | undefined> = new Set(["40001", "0A000"]);

function isOfIsolation(error: unknown): boolean {
  return DatabaseError.isInstance(error) && ISOLATION_STATES.has(error.sqlState);
}
