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

/** How one attempt is made. */
export interface AttemptContext {
  readonly deadline: Deadline;
  readonly isUnnamed: boolean;
}

/** Answers that come sooner say how well the server is, whatever they hold. */
const QUICK_MS = 50;

const WRITES: ReadonlySet<string> = new Set(["INSERT", "UPDATE", "DELETE", "MERGE"]);
const CHECK = `SELECT pg_catalog.pg_is_in_recovery() OR pg_catalog.current_setting('transaction_read_only')::pg_catalog.bool AS "isReadOnly"`;

const ISOLATION = "SELECT pg_catalog.current_setting('default_transaction_isolation') AS level";

/** For the work of a guard, whose statements have deadlines of their own. */
const GUARD_DEADLINE_MS = 10 * 60_000;

/** One database: its connections, its health and its errors. Every call is one attempt. */
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
  /** Whether the database's own isolation level is another than its users ask for, so that each has to be said. */
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

  /** The 99th percentile of the latest answers, in ms. */
  get p99Ms(): number | undefined {
    return this.#latency.p99Ms;
  }

  get slowestBytesPerSecond(): number {
    return this.#settings.slowestBytesPerSecond;
  }

  /** How much longer than usual an answer may take, for the bytes that are on their way to and from it. */
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

  /** Any work with this provider, each of whose statements is tried once. */
  async run<Result>(work: (provider: ProviderHandle) => Promise<Result>, context: AttemptContext): Promise<Result> {
    return within(context.deadline, work(this.#handle(context)), (fault) => this.#toError(fault, { isSent: true }));
  }

  /** Asks the server with a statement of its own, on a connection of the pool. */
  async check(deadline: Deadline): Promise<void> {
    const context = { deadline, isUnnamed: true };
    const { rows } = await this.query<{ isReadOnly: boolean }>(CHECK, undefined, {}, context);
    this.#health.apply({ type: "probed", isReadOnly: rows[0]?.isReadOnly === true });
  }

  /** To be called when what its probes depend on has changed. */
  scheduleProbe(): void {
    if (this.#context.isProbing()) this.#prober.schedule();
  }

  /** Another provider answered what this one was asked first. */
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

  /** Takes it out of use until it passes the return guards, unless it does not take work anyway. */
  exclude(reason: unknown): void {
    if (this.state === "up" || this.state === "unknown") this.#refuse(reason);
  }

  /** Shows what failed in the background. */
  report(reason: unknown): void {
    this.#context.onError(this.#errorFor(reason));
  }

  /** Takes back what an error did to the health: it was the caller's. */
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

  /** Never rejects: the error that led here is the one to tell. */
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

  /** On a connection of its own, so that it waits for no user's statement; the pool keeps it when the answer is good. */
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

  /** Whoever could not find out whether it is the right database tries again soon; one that is not the right one is left alone. */
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
      // What it says about the provider was counted by the pool, once for all who waited.
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
      // How long bytes are on their way says nothing about how long an answer may be waited for.
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
    // The connections that there are go on working.
    if (isFullElsewhere && !this.#pool.isCold) return;
    this.#failed(error, { isSent: false }, generation);
  }

  /** Servers end idle connections for reasons of their own: a probe, or the next statement, tells whether more is wrong. */
  #idleLost(error: unknown, generation: number): void {
    const failure = this.#toError(error, { isSent: false });
    const effect = failureOf(failure)?.meaning.state === "down" ? "suspect" : undefined;
    this.#takeIn(failure, generation, effect);
    this.#context.onError(failure);
  }

  /** The typed error, after what it says about the provider was taken in. */
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

/** Serialization failures; and a standby, which refuses everything while the default is `serializable`. */
const ISOLATION_STATES: ReadonlySet<string | undefined> = new Set(["40001", "0A000"]);

function isOfIsolation(error: unknown): boolean {
  return DatabaseError.isInstance(error) && ISOLATION_STATES.has(error.sqlState);
}
