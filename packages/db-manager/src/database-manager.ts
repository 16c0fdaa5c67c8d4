import { setTimeout as delay } from "node:timers/promises";
import { Deadline } from "./deadline.ts";
import { readEnvironment, type Environment, type SkippedProvider } from "./environment.ts";
import { DatabaseError, invalidInput, show } from "./errors.ts";
import { Events, type DatabaseEvents } from "./events.ts";
import { failureOf, withUnknownOutcome } from "./failure.ts";
import { duration, parseOptions, type DatabaseManagerOptions, type Settings } from "./options.ts";
import { Provider, type AttemptContext, type ProviderStats } from "./provider.ts";
import { repeatDelayMs, type WorkKind } from "./repetition.ts";
import {
  checkQuery,
  type NamedStatement,
  type ProviderHandle,
  type Queryable,
  type QueryOptions,
  type QueryResult,
  type RunOptions,
  type TransactionOptions,
} from "./queryable.ts";

interface Operation {
  readonly kind: WorkKind;
  readonly isIdempotent: boolean;
  readonly deadline: Deadline;
}

/**
 * PostgreSQL providers behind one object.
 *
 * Guarantees: every call ends by its deadline; a dead connection or server never ends the process; what was lost on the way
 * is repeated only where it cannot be applied twice; TLS is verified, and no error, event or statistic has a password.
 *
 * @example
 * await using db = DatabaseManager.fromEnv();
 * const { rows } = await db.query<{ id: number }>("SELECT id FROM machines WHERE plant = $1", ["north"]);
 */
export class DatabaseManager implements Queryable {
  readonly #settings: Settings;
  readonly #providers: ReadonlyMap<string, Provider>;
  readonly #events = new Events();
  #skipped: readonly SkippedProvider[] = [];
  #preferred: string;
  #inFlight = 0;
  #onIdle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Does no I/O.
   *
   * @throws {DatabaseError} `invalid_input` with the path of the offending option.
   */
  constructor(options: DatabaseManagerOptions) {
    this.#settings = parseOptions(options);
    const { providers, primary, nowMs } = this.#settings;
    const listeners = {
      onStateChange: (...change: DatabaseEvents["stateChange"]) => this.#events.emit("stateChange", ...change),
      onError: (...error: DatabaseEvents["error"]) => this.#events.emit("error", ...error),
    };
    this.#providers = new Map(providers.map((provider) => [provider.name, new Provider(provider, nowMs, listeners)]));
    this.#preferred = primary;
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
    return [...this.#providers.keys()];
  }

  /** The provider that takes the work now. */
  get provider(): string {
    return this.#preferred;
  }

  /** What the environment's order names without giving an address, with the variables looked at. */
  get skipped(): readonly SkippedProvider[] {
    return this.#skipped;
  }

  /** Where a local journal is to be, for those that keep one. */
  get journalPath(): string | undefined {
    return this.#settings.journalPath;
  }

  /**
   * One statement. It is repeated after a lost connection if it is `idempotent`, and after an answer that says so (such as
   * a deadlock) in any case.
   *
   * @throws {DatabaseError} any code; see `outcome` for whether it may have been applied.
   */
  query<Row extends object = Record<string, unknown>>(
    statement: string | NamedStatement,
    values?: readonly unknown[],
    options: QueryOptions = {},
  ): Promise<QueryResult<Row>> {
    const { idempotent, signal, timeoutMs = 0 } = options;
    const deadlineMs = Math.max(timeoutMs, this.#settings.operationTimeoutMs);
    return this.#operate("statement", { idempotent, signal, deadlineMs }, async (provider, context) => {
      checkQuery(statement, values, options);
      return provider.query<Row>(statement, values, options, context);
    });
  }

  /**
   * The work between BEGIN and COMMIT on one connection; ROLLBACK when it throws, and its error passes through. The work
   * runs again after a serialization failure or deadlock, and after a lost connection if the transaction is `idempotent`.
   * Use the client that it gets, not the manager: with a pool of one, that would wait for itself.
   *
   * @throws {DatabaseError} any code; when the answer to COMMIT was lost, `outcome` is `unknown`.
   */
  transaction<Result>(work: (client: Queryable) => Promise<Result>, options: TransactionOptions = {}): Promise<Result> {
    return this.#operate("transaction", options, (provider, context) => provider.transaction(called(work), context));
  }

  /**
   * Work with one provider, in as many statements as it takes. With `idempotent`, the whole of it runs again where a
   * statement would be repeated; else each statement is tried once.
   */
  run<Result>(work: (provider: ProviderHandle) => Promise<Result>, options: RunOptions = {}): Promise<Result> {
    return this.#operate("run", options, (provider, context) => provider.run(called(work), context));
  }

  /**
   * Makes another provider the preferred one. Work that is under way stays where it is.
   *
   * @throws {DatabaseError} `invalid_input` for a name that is none.
   */
  setProvider(name: string): void {
    this.#preferred = this.#named(name).name;
  }

  /** Whether the provider (default: the preferred one) answers a statement; `getProviderStats` has its state then. */
  async healthCheck(name: string = this.#preferred): Promise<boolean> {
    const provider = this.#named(name);
    const options = { idempotent: false };
    try {
      await this.#operate("run", options, (_preferred, { deadline }) => provider.check(deadline));
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

  /** By name. Holds hosts, and never a user, a password or an address. */
  getProviderStats(): Record<string, ProviderStats> {
    return Object.fromEntries([...this.#providers].map(([name, provider]) => [name, provider.stats()]));
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
   * `operationTimeoutMs`, and then ends it.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, this.#settings.operationTimeoutMs);
        this.#onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    await Promise.all([...this.#providers.values()].map((provider) => provider.close()));
  }

  async #operate<Result>(
    kind: WorkKind,
    { idempotent = false, signal, deadlineMs }: RunOptions,
    attempt: (provider: Provider, context: AttemptContext) => Promise<Result>,
  ): Promise<Result> {
    if (this.#closing !== undefined) {
      throw new DatabaseError({ code: "closed", message: "the manager was closed; make a new DatabaseManager" });
    }
    const { nowMs, operationTimeoutMs } = this.#settings;
    const deadline = new Deadline(duration(deadlineMs, "options.deadlineMs", operationTimeoutMs), nowMs, signal);
    this.#inFlight += 1;
    try {
      return await this.#attempt({ kind, isIdempotent: idempotent, deadline }, attempt);
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#onIdle?.();
    }
  }

  /** The one place where work is tried again; another provider would be tried here too. */
  async #attempt<Result>(
    { kind, isIdempotent, deadline }: Operation,
    attempt: (provider: Provider, context: AttemptContext) => Promise<Result>,
  ): Promise<Result> {
    const provider = this.#named(this.#preferred);
    let isUnnamed = false;
    let isOutcomeUnknown = false;
    for (let repeats = 0; ; repeats += 1) {
      try {
        return await attempt(provider, { deadline, isUnnamed });
      } catch (error) {
        const failure = failureOf(error);
        if (failure === undefined) throw error;
        const outcome = DatabaseError.isInstance(error) ? error.outcome : failure.meaning.outcome;
        isOutcomeUnknown ||= outcome === "unknown";
        const delayMs = repeatDelayMs(failure, { kind, isIdempotent, outcome, repeats }, this.#settings.random);
        if (delayMs === undefined || delayMs >= deadline.remainingMs() || deadline.signal?.aborted === true) {
          throw isOutcomeUnknown && DatabaseError.isInstance(error) ? withUnknownOutcome(error) : error;
        }
        isUnnamed ||= failure.meaning.repeat === "unnamed";
        // An abort during the pause is found by the next attempt.
        if (delayMs > 0) await delay(delayMs, undefined, { signal: deadline.signal }).catch(() => undefined);
      }
    }
  }

  #named(name: string): Provider {
    const provider = this.#providers.get(name);
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
