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

/** A local journal that somebody else keeps. */
export interface JournalPlace {
  readonly path: string;
  /** The names of the providers that come before it in the order. */
  readonly after: readonly string[];
}

/**
 * Independent PostgreSQL databases behind one object: work goes to the preferred one, and to the next while that is away.
 *
 * Guarantees: every call ends by its deadline; a dead connection or server never ends the process; what was lost on the way
 * is repeated, here or elsewhere, only where it cannot be applied twice; an error of the caller's own changes no provider's
 * state; while nothing is wrong no statement is sent but the caller's; TLS is verified, and no error, event or statistic
 * has a password. What one provider holds is not brought to the others: that is for whoever knows the data.
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
   * @param options the providers, or the address of the only one, which is then called `postgres`.
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
   * A manager of what the environment names: `DATABASE_URL`, or the providers of `DATABASE_FAILOVER_ORDER`.
   *
   * @throws {DatabaseError} `invalid_input` for a variable that is wrong, and when none gives an address.
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

  /** The provider that takes the work now; while none does, the one that took it last. */
  get provider(): string {
    return this.#roster.active.name;
  }

  /** The provider that takes the work when it is well. */
  get preferred(): string {
    return this.#roster.preferred.name;
  }

  /** What the environment's order names without giving an address, with the variables looked at. */
  get skipped(): readonly SkippedProvider[] {
    return this.#skipped;
  }

  /** Where a local journal is to be, for those that keep one. */
  get journal(): JournalPlace | undefined {
    const { journalPath: path, journalAfter } = this.#settings;
    return path === undefined ? undefined : { path, after: this.providerNames.slice(0, journalAfter) };
  }

  /**
   * Whether a provider can be sent work now, as far as its state tells.
   *
   * @param route default: writes, to any provider.
   */
  isUsable({ readOnly = false, providers }: Pick<RoutingOptions, "readOnly" | "providers"> = {}): boolean {
    return this.#roster.isUsable(readOnly, providers);
  }

  /**
   * One statement. It is repeated after a lost connection, here or with the next provider, if it is `idempotent`; and in any
   * case after an answer that says so (such as a deadlock), and with the next provider where nothing was sent.
   *
   * @throws {DatabaseError} any code; see `outcome` for whether it may have been applied.
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
   * The work between BEGIN and COMMIT on one connection; ROLLBACK when it throws, and its error passes through. The work
   * runs again after a serialization failure or deadlock, and after a lost connection if the transaction is `idempotent`;
   * with the next provider also when not even its BEGIN was sent.
   * Use the client that it gets, not the manager: with a pool of one, that would wait for itself.
   *
   * @throws {DatabaseError} any code; when the answer to COMMIT was lost, `outcome` is `unknown`.
   */
  transaction<Result>(work: (client: Queryable) => Promise<Result>, options: TransactionOptions = {}): Promise<Result> {
    return this.#operate("transaction", options, options?.deadlineMs, (provider, context) => {
      assertIsolation(options.isolation);
      return provider.transaction(called(work), context, options.isolation);
    });
  }

  /**
   * Work with one provider, in as many statements as it takes. With `idempotent`, the whole of it runs again, here or with
   * the next provider, where a statement would be repeated; else each statement is tried once.
   */
  run<Result>(work: (provider: ProviderHandle) => Promise<Result>, options: RunOptions = {}): Promise<Result> {
    return this.#operate("run", options, options?.deadlineMs, (provider, context) =>
      provider.run(called(work), context),
    );
  }

  /**
   * Makes another provider the preferred one. Work that is under way stays where it is.
   *
   * @throws {DatabaseError} `invalid_input` for a name that is none.
   */
  setProvider(name: string): void {
    this.#roster.prefer(this.#named(name));
  }

  /**
   * Adds what has to succeed before a provider that was away takes work again.
   *
   * @returns removes it.
   */
  addReturnGuard(guard: ReturnGuard): () => void {
    return this.#roster.addGuard(guard);
  }

  /**
   * Adds what waits for the providers outside of them, for OpenTelemetry to tell of it where the application has that.
   *
   * @param read is called whenever an exporter asks.
   * @returns removes it.
   */
  addBacklog(read: () => Promise<readonly Backlog[]>): () => void {
    return this.#telemetry?.observeBacklog(read) ?? (() => undefined);
  }

  /**
   * Takes a provider that was found to be not what it should be out of use, until it passes the return guards. Does nothing
   * to one that does not take work anyway.
   */
  exclude(name: string, reason: unknown): void {
    this.#named(name).exclude(reason);
  }

  /** Shows those who listen to `error` what failed with a provider in the background. */
  report(name: string, reason: unknown): void {
    this.#named(name).report(reason);
  }

  /** Whether the provider (default: the preferred one) answers a statement; `getProviderStats` has its state then. */
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
   * How much longer than its time-outs an answer of a provider may take at the moment, for the bytes that are on their way to and
   * from it, in milliseconds.
   *
   * @throws {DatabaseError} `invalid_input` for a name that is none.
   */
  transferAllowanceMs(name: string): number {
    return this.#named(name).allowanceMs;
  }

  /** By name. Holds hosts, and never a user, a password or an address. */
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
   * Final, and the same for every call: later work throws `closed`. Waits for what is in flight, for at most
   * `operationTimeoutMs` and what its bytes need that are on their way, and then ends it.
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
    // Those of a statement are checked with it.
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
      throw invalidInput("name", `is ${show(name)}, which is none of ${this.providerNames.join(", ")}`);
    return provider;
  }
}

/** The work as a function that rejects where it would throw. */
function called<Argument, Result>(
  work: (argument: Argument) => Promise<Result>,
): (argument: Argument) => Promise<Result> {
  if (typeof work !== "function") throw invalidInput("work", "must be a function");
  return async (argument) => work(argument);
}
