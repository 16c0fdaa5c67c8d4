import { Deadline } from "../connection/deadline.ts";
import { dispatch, type DispatchContext } from "../routing/dispatch.ts";
import { readEnvironment, type Environment, type SkippedProvider } from "../configuration/environment.ts";
import { DatabaseError, invalidInput, show } from "../errors/errors.ts";
import { Events, type DatabaseEvents } from "../telemetry/events.ts";
import { HedgeBudget } from "../routing/hedge.ts";
import { keepAlive } from "./keep-alive.ts";
import { assertFields } from "../configuration/option-names.ts";
import { duration, parseOptions, type DatabaseManagerOptions, type Settings } from "../configuration/options.ts";
import type { AttemptContext, Provider } from "../provider/provider.ts";
import type { ProviderStats } from "../provider/provider-stats.ts";
import type { ReturnGuard } from "../provider/return-guards.ts";
import type { WorkKind } from "../routing/repetition.ts";
import { Roster } from "../routing/roster.ts";
import { Telemetry } from "../telemetry/telemetry.ts";
import type { Backlog } from "../telemetry/telemetry-gauges.ts";
import { bytesOf } from "../connection/transfer.ts";
import {
  assertIsolation,
  checkQuery,
  TRANSACTION_OPTIONS,
  type NamedStatement,
  type ProviderHandle,
  type Queryable,
  type QueryOptions,
  type QueryResult,
  type RoutingOptions,
  type RunOptions,
  type TransactionOptions,
} from "./queryable.ts";

interface OperationOptions extends RoutingOptions {
  readonly idempotent?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The place of a local journal, which another package keeps. */
export interface JournalPlace {
  readonly path: string;
  /** The names of the providers that precede the journal in the order. */
  readonly after: readonly string[];
}

/**
 * Independent PostgreSQL databases behind one object: work goes to the preferred one, and fails over to the next.
 *
 * Guarantees: every call ends by its deadline; a dead connection or server never ends the process; lost work is
 * retried, on the same provider or another, only if it cannot be applied twice; a mistake of the caller changes no
 * provider's state; while nothing is wrong, only the caller's statements are sent; TLS is verified, and no error, event
 * or statistic contains a password. The manager does not copy data between providers: that is left to code that
 * understands the data.
 *
 * @example
 * await using db = DatabaseManager.fromEnv();
 * const { rows } = await db.query<{ id: number }>("SELECT id FROM machines WHERE plant = $1", ["north"]);
 */
export class DatabaseManager implements Queryable {
  readonly #settings: Settings;
  readonly #roster: Roster;
  readonly #telemetry: Telemetry | undefined;
  readonly #dispatching: DispatchContext;
  readonly #events = new Events();
  #skipped: readonly SkippedProvider[] = [];
  #inFlight = 0;
  #onIdle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Does no I/O.
   *
   * @param options the providers, or the address of the only one, which is then named `postgres`.
   * @throws {DatabaseError} `invalid_input` with the path of the offending option.
   * @example
   * await using db = new DatabaseManager("postgres://ada:secret@localhost:5432/plant");
   */
  constructor(options: DatabaseManagerOptions | string) {
    this.#settings = parseOptions(options);
    this.#telemetry = Telemetry.start(this.#settings.nowMs, () => this.getProviderStats());
    const emit: Events["emit"] = (name, ...event) => this.#events.emit(name, ...event);
    this.#roster = new Roster(this.#settings, emit, this.#telemetry);
    const { hedgeAfterMs, random } = this.#settings;
    this.#dispatching = { roster: this.#roster, budget: new HedgeBudget(), hedgeAfterMs, random };
  }

  /**
   * Makes a manager from environment variables: `DATABASE_URL`, or the providers of `DATABASE_FAILOVER_ORDER`.
   *
   * @throws {DatabaseError} `invalid_input` for an invalid variable, and if no variable contains an address.
   */
  static fromEnv(env: Environment = process.env): DatabaseManager {
    const { options, skipped } = readEnvironment(env);
    const manager = new DatabaseManager(options);
    manager.#skipped = skipped;
    return manager;
  }

  /** The names of the providers, in their order. */
  get providerNames(): readonly string[] {
    return this.#roster.names;
  }

  /** The provider that takes the work now; if none does, the one that last took it. */
  get provider(): string {
    return this.#roster.active.name;
  }

  /** The provider that takes the work while it is healthy. */
  get preferred(): string {
    return this.#roster.preferred.name;
  }

  /** Providers that the environment's order names but that have no address, with the variables that were read. */
  get skipped(): readonly SkippedProvider[] {
    return this.#skipped;
  }

  /** The place of the local journal, for storages that keep one. */
  get journal(): JournalPlace | undefined {
    const { journalPath: path, journalAfter } = this.#settings;
    return path === undefined ? undefined : { path, after: this.providerNames.slice(0, journalAfter) };
  }

  /**
   * Whether any provider can take work now, judged by its state.
   *
   * @param route the kind of work and the providers allowed. Default: writes, to any provider.
   */
  isUsable({ readOnly = false, providers }: Pick<RoutingOptions, "readOnly" | "providers"> = {}): boolean {
    return this.#roster.isUsable(readOnly, providers);
  }

  /**
   * Runs one statement. After a lost connection it is retried, on the same provider or the next, if it is `idempotent`.
   * It is always retried after an error that allows it (such as a deadlock), and on the next provider if nothing was
   * sent.
   *
   * @throws {DatabaseError} any code; `outcome` states whether the statement may have been applied.
   */
  query<Row extends object = Record<string, unknown>>(
    statement: string | NamedStatement,
    values?: readonly unknown[],
    options: QueryOptions<Row> = {},
  ): Promise<QueryResult<Row>> {
    const deadlineMs = Math.max(options?.timeoutMs ?? 0, this.#settings.operationTimeoutMs);
    return this.#operate(
      "statement",
      options,
      deadlineMs,
      (provider, context) => {
        checkQuery(statement, values, options);
        return provider.query<Row>(statement, values, options, context);
      },
      () => bytesOf(values),
    );
  }

  /**
   * Runs the work between BEGIN and COMMIT on one connection. If the work throws, the transaction is rolled back and
   * the error passes through. The work runs again after a serialization failure or deadlock, and after a lost
   * connection if the transaction is `idempotent`; it also runs on the next provider if not even BEGIN was sent.
   * Inside the work, use the client that it receives, not the manager: with a pool of one, the manager would wait for
   * itself.
   *
   * @throws {DatabaseError} any code; if the answer to COMMIT was lost, `outcome` is `unknown`.
   */
  transaction<Result>(work: (client: Queryable) => Promise<Result>, options: TransactionOptions = {}): Promise<Result> {
    return this.#operate("transaction", options, options?.deadlineMs, (provider, context) => {
      assertIsolation(options.isolation);
      return provider.transaction(called(work), context, options.isolation);
    });
  }

  /**
   * Runs work of any number of statements on one provider. If the work is `idempotent`, all of it runs again, on the
   * same provider or the next, in the cases in which a statement would be retried; otherwise each statement is tried
   * once.
   */
  run<Result>(work: (provider: ProviderHandle) => Promise<Result>, options: RunOptions = {}): Promise<Result> {
    return this.#operate("run", options, options?.deadlineMs, (provider, context) =>
      provider.run(called(work), context),
    );
  }

  /**
   * Makes another provider the preferred one. Work in flight stays where it is.
   *
   * @throws {DatabaseError} `invalid_input` for an unknown name.
   */
  setProvider(name: string): void {
    this.#roster.prefer(this.#named(name));
  }

  /**
   * Adds a guard: steps that must succeed before a recovered provider takes work again.
   *
   * @returns a function that removes the guard.
   */
  addReturnGuard(guard: ReturnGuard): () => void {
    return this.#roster.addGuard(guard);
  }

  /**
   * Adds a backlog, such as that of a local journal, to the OpenTelemetry metrics, if the application uses
   * OpenTelemetry.
   *
   * @param read returns the backlog; it is called whenever an exporter collects.
   * @returns a function that removes the backlog.
   */
  addBacklog(read: () => Promise<readonly Backlog[]>): () => void {
    return this.#telemetry?.observeBacklog(read) ?? (() => undefined);
  }

  /**
   * Takes a provider that proved to be the wrong database out of use until it passes the return guards. Does nothing if
   * the provider takes no work anyway.
   */
  exclude(name: string, reason: unknown): void {
    this.#named(name).exclude(reason);
  }

  /** Emits an `error` event for a background failure of a provider. */
  report(name: string, reason: unknown): void {
    this.#named(name).report(reason);
  }

  /**
   * Whether the provider (default: the preferred one) answers a statement. Afterwards `getProviderStats` shows its
   * state.
   */
  async healthCheck(name: string = this.preferred): Promise<boolean> {
    const { name: only } = this.#named(name);
    try {
      await this.#operate("run", { providers: [only] }, undefined, (provider, { deadline }) =>
        provider.check(deadline),
      );
      return true;
    } catch (error) {
      if (!DatabaseError.isInstance(error) || this.#closing !== undefined) throw error;
      return false;
    }
  }

  async healthCheckAll(): Promise<Record<string, boolean>> {
    const checks = this.providerNames.map(async (name) => [name, await this.healthCheck(name)] as const);
    return Object.fromEntries(await Promise.all(checks));
  }

  /**
   * Returns the time in ms by which the bytes in transit to and from a provider currently extend its time-outs.
   *
   * @throws {DatabaseError} `invalid_input` for an unknown name.
   */
  transferAllowanceMs(name: string): number {
    return this.#named(name).allowanceMs;
  }

  /**
   * Returns the statistics of each provider by name. They contain hosts, but never a user, a password or an address.
   */
  getProviderStats(): Record<string, ProviderStats> {
    return Object.fromEntries([...this.#roster.all].map((provider) => [provider.name, provider.stats()]));
  }

  on<Name extends keyof DatabaseEvents>(name: Name, listener: (...event: DatabaseEvents[Name]) => void): this {
    this.#events.on(name, listener);
    return this;
  }

  off<Name extends keyof DatabaseEvents>(name: Name, listener: (...event: DatabaseEvents[Name]) => void): this {
    this.#events.off(name, listener);
    return this;
  }

  /**
   * Closes the manager for good; every call returns the same promise, and later work throws `closed`. Waits for the
   * work in flight for at most `operationTimeoutMs` plus the transfer time of its bytes, and then aborts it.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    keepAlive.hold();
    try {
      await this.#end();
    } finally {
      keepAlive.release();
    }
  }

  async #end(): Promise<void> {
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        const { operationTimeoutMs, nowMs } = this.#settings;
        const allowanceMs = (): number => Math.max(...[...this.#roster.all].map((provider) => provider.allowanceMs));
        const stop = new Deadline(operationTimeoutMs, nowMs, undefined).watch(() => resolve(), allowanceMs);
        this.#onIdle = () => {
          stop();
          resolve();
        };
      });
    }
    await Promise.all([...this.#roster.all].map((provider) => provider.close()));
    this.#telemetry?.close();
  }

  async #operate<Result>(
    kind: WorkKind,
    options: OperationOptions,
    deadlineMs: number | undefined,
    attempt: (provider: Provider, context: AttemptContext) => Promise<Result>,
    bytes: () => number = () => 0,
  ): Promise<Result> {
    if (this.#closing !== undefined) {
      throw new DatabaseError({ code: "closed", message: "the manager was closed; make a new DatabaseManager" });
    }
    // The options of a statement are checked together with the statement.
    if (kind !== "statement") assertFields(options, TRANSACTION_OPTIONS, "options");
    const { nowMs, operationTimeoutMs, isFailoverOn } = this.#settings;
    const { idempotent = false, hedge = false, readOnly = false, providers, lastResort = true, signal } = options;
    providers?.forEach((name) => this.#named(name));
    const deadline = new Deadline(duration(deadlineMs, "options.deadlineMs", operationTimeoutMs), nowMs, signal);
    const among = providers ?? (isFailoverOn ? undefined : [this.preferred]);
    const route = { isReadOnly: readOnly, among, isLastResortAllowed: lastResort };
    const isHedged = hedge && idempotent && this.#roster.names.length > 1;
    this.#inFlight += 1;
    keepAlive.hold();
    try {
      return await dispatch(
        { kind, isIdempotent: idempotent, isHedged, bytes, deadline, route, attempt },
        this.#dispatching,
      );
    } finally {
      keepAlive.release();
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#onIdle?.();
    }
  }

  #named(name: string): Provider {
    const provider = this.#roster.named(name);
    if (provider === undefined)
      throw invalidInput("name", `is ${show(name)}; expected one of ${this.providerNames.join(", ")}`);
    return provider;
  }
}

/** Wraps the work so that it rejects instead of throwing. */
function called<Argument, Result>(
  work: (argument: Argument) => Promise<Result>,
): (argument: Argument) => Promise<Result> {
  if (typeof work !== "function") throw invalidInput("work", "must be a function");
  return async (argument) => work(argument);
}
