import { invalidInput, show } from "../errors/errors.ts";
import { assertFields, type OptionNames } from "./option-names.ts";
import type { TlsOptions } from "./tls-options.ts";
import { readConnectionFields, type ConnectionFields } from "./connection-fields.ts";

export interface ProviderConfig {
  /** The name of the provider in errors, statistics and events. */
  name: string;
  /**
   * `postgres://user:password@host:5432/database`, with special characters percent-encoded. Every parameter after its ?
   * is honoured, or refused by name. If the address has no password and this is the only provider, the environment
   * variable PGPASSWORD is used.
   */
  connectionString: string;
  /** The maximum number of open connections. Default: 10. */
  poolSize?: number | undefined;
  /** The TLS settings; false turns TLS off. Default: verified TLS, and no TLS if the host is this machine. */
  ssl?: boolean | TlsOptions | undefined;
  /**
   * Whether statements are prepared by name. Default: `named`, or `unnamed` if the address is a transaction pooler's.
   */
  statements?: "named" | "unnamed" | undefined;
  /**
   * The time to connect. Default: 1,000 ms; 3,000 ms for the first connection to a database that sleeps when idle
   * (Neon).
   */
  connectTimeoutMs?: number | undefined;
  /**
   * The time-out of each statement without its own `timeoutMs`, plus the transfer time of its bytes. Default: 1,000 ms.
   */
  statementTimeoutMs?: number | undefined;
  /**
   * The minimum speed of the link to the provider, in bytes a second. Deadlines are extended by the time that the bytes
   * in transit need at this speed, and for as long as bytes keep moving. Default: 524,288.
   */
  slowestBytesPerSecond?: number | undefined;
  /**
   * The interval at which replication looks for work. This package has no default; the storage that replicates has one.
   */
  drainIntervalMs?: number | undefined;
}

export interface DatabaseManagerOptions {
  /** At least one provider. The first is the preferred one unless `primary` names another. */
  providers: readonly ProviderConfig[];
  /** The name of the preferred provider. */
  primary?: string | undefined;
  /** Whether other providers may take over. If false, all work goes to the preferred one. Default: true. */
  failover?: boolean | undefined;
  /** The minimum silence after which work that may be hedged is also sent to the next provider. Default: 150 ms. */
  hedgeAfterMs?: number | undefined;
  /** The minimum time that a recovered provider must stay healthy before it takes work again. Default: 5,000 ms. */
  dwellMs?: number | undefined;
  /** The longest delay between two probes of a provider that is down. Default: 10,000 ms. */
  longestProbeDelayMs?: number | undefined;
  /**
   * The time-out of a whole operation with its waits and retries, plus the transfer time of its bytes. Default: 5,000
   * ms.
   */
  operationTimeoutMs?: number | undefined;
  /** The path of the local journal. This package only passes it on; see `DatabaseManager.journal`. */
  journalPath?: string | undefined;
  /** The number of providers that precede the journal in the order. Default: all. */
  journalAfter?: number | undefined;
  /** A monotonic clock, in ms since 1970. */
  nowMs?: (() => number) | undefined;
  /** A random number from 0 to below 1. */
  random?: (() => number) | undefined;
}

export interface ProviderSettings {
  readonly name: string;
  readonly fields: ConnectionFields;
  readonly poolSize: number;
  readonly connectTimeoutMs: number;
  /** The time to connect while the pool has no connection. */
  readonly coldConnectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly slowestBytesPerSecond: number;
  readonly drainIntervalMs: number | undefined;
}

export interface Settings {
  readonly providers: readonly ProviderSettings[];
  readonly primary: string;
  readonly isFailoverOn: boolean;
  readonly operationTimeoutMs: number;
  readonly hedgeAfterMs: number;
  readonly dwellMs: number;
  readonly longestProbeDelayMs: number;
  readonly journalPath: string | undefined;
  readonly journalAfter: number;
  readonly nowMs: () => number;
  readonly random: () => number;
}

const TLS_OPTIONS: OptionNames<TlsOptions> = {
  ca: true,
  cert: true,
  key: true,
  servername: true,
  rejectUnauthorized: true,
};
const MANAGER_OPTIONS: OptionNames<DatabaseManagerOptions> = {
  providers: true,
  primary: true,
  failover: true,
  hedgeAfterMs: true,
  dwellMs: true,
  longestProbeDelayMs: true,
  operationTimeoutMs: true,
  journalPath: true,
  journalAfter: true,
  nowMs: true,
  random: true,
};
const PROVIDER_OPTIONS: OptionNames<ProviderConfig> = {
  name: true,
  connectionString: true,
  poolSize: true,
  ssl: true,
  statements: true,
  connectTimeoutMs: true,
  statementTimeoutMs: true,
  slowestBytesPerSecond: true,
  drainIntervalMs: true,
};

const DEFAULTS = {
  poolSize: 10,
  connectTimeoutMs: 1000,
  statementTimeoutMs: 1000,
  slowestBytesPerSecond: 512 * 1024,
  operationTimeoutMs: 5000,
  hedgeAfterMs: 150,
  dwellMs: 5000,
  longestProbeDelayMs: 10_000,
};
/** The time that a database needs to start if its provider stops idle databases. */
const WAKE_UP_MS = 3000;
const SLEEPING_HOSTS = /\.neon\.tech$/;

/** The longest delay that a timer of Node accepts. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const MAX_POOL_SIZE = 10_000;

/** The name of the only provider, if none was given. */
const ONLY_PROVIDER = "postgres";

/** @throws {DatabaseError} `invalid_input` with the path of the offending option. */
export function parseOptions(given: DatabaseManagerOptions | string): Settings {
  const options = typeof given === "string" ? { providers: [{ name: ONLY_PROVIDER, connectionString: given }] } : given;
  assertFields(options, MANAGER_OPTIONS, "options");
  const { providers, primary, failover = true, journalPath, journalAfter }: DatabaseManagerOptions = options;
  if (!Array.isArray(providers) || providers.length === 0) {
    throw invalidInput("options.providers", "must be an array with at least one provider");
  }
  // As libpq does. With several providers the password would also be sent to servers that it does not belong to.
  const password = providers.length === 1 ? process.env["PGPASSWORD"] || undefined : undefined;
  const parsed = providers.map((provider: ProviderConfig, index) =>
    parseProvider(provider, `options.providers[${index}]`, password),
  );
  const names = parsed.map(({ name }) => name);
  names.forEach((name, index) => {
    if (names.indexOf(name) !== index) {
      throw invalidInput(
        `options.providers[${index}].name`,
        `is ${show(name)}, which another provider already has; names must be unique`,
      );
    }
  });
  if (primary !== undefined && !names.includes(primary)) {
    throw invalidInput("options.primary", `is ${show(primary)}; expected one of ${names.join(", ")}`);
  }
  if (typeof failover !== "boolean") throw invalidInput("options.failover", `is ${show(failover)}; expected a boolean`);
  if (journalPath !== undefined && (typeof journalPath !== "string" || journalPath === "")) {
    throw invalidInput("options.journalPath", "must be the path of a file");
  }
  if (journalAfter !== undefined && !(Number.isInteger(journalAfter) && journalAfter >= 0)) {
    throw invalidInput("options.journalAfter", `is ${show(journalAfter)}; expected a whole number of at least 0`);
  }
  return {
    providers: parsed,
    primary: primary ?? names[0] ?? "",
    isFailoverOn: failover,
    operationTimeoutMs: duration(options.operationTimeoutMs, "options.operationTimeoutMs", DEFAULTS.operationTimeoutMs),
    hedgeAfterMs: duration(options.hedgeAfterMs, "options.hedgeAfterMs", DEFAULTS.hedgeAfterMs),
    dwellMs: duration(options.dwellMs, "options.dwellMs", DEFAULTS.dwellMs),
    longestProbeDelayMs: duration(
      options.longestProbeDelayMs,
      "options.longestProbeDelayMs",
      DEFAULTS.longestProbeDelayMs,
    ),
    journalPath,
    journalAfter: journalAfter ?? parsed.length,
    nowMs: functionOr(options.nowMs, "options.nowMs", () => performance.timeOrigin + performance.now()),
    random: functionOr(options.random, "options.random", Math.random),
  };
}

function parseProvider(config: ProviderConfig, path: string, password: string | undefined): ProviderSettings {
  assertFields(config, PROVIDER_OPTIONS, path);
  const { name, poolSize = DEFAULTS.poolSize, statements, ssl, drainIntervalMs } = config;
  const { slowestBytesPerSecond = DEFAULTS.slowestBytesPerSecond } = config;
  if (typeof name !== "string" || !/^[\w-]{1,63}$/.test(name)) {
    throw invalidInput(`${path}.name`, `is ${show(name)}; expected 1 to 63 letters, digits, - or _`);
  }
  if (!Number.isInteger(poolSize) || poolSize < 1 || poolSize > MAX_POOL_SIZE) {
    throw invalidInput(`${path}.poolSize`, `is ${show(poolSize)}; expected a whole number from 1 to ${MAX_POOL_SIZE}`);
  }
  if (statements !== undefined && statements !== "named" && statements !== "unnamed") {
    throw invalidInput(`${path}.statements`, `is ${show(statements)}; expected named or unnamed`);
  }
  if (!Number.isSafeInteger(slowestBytesPerSecond) || slowestBytesPerSecond < 1) {
    throw invalidInput(
      `${path}.slowestBytesPerSecond`,
      `is ${show(slowestBytesPerSecond)}; expected a whole number of bytes from 1`,
    );
  }
  if (ssl !== undefined && typeof ssl !== "boolean" && (typeof ssl !== "object" || ssl === null)) {
    throw invalidInput(`${path}.ssl`, "must be true, false or an object such as { ca }");
  }
  if (typeof ssl === "object") assertFields(ssl, TLS_OPTIONS, `${path}.ssl`);
  const choices = { path: `${path}.connectionString`, ssl, statements, password };
  const fields = readConnectionFields(config.connectionString, choices);
  const connectTimeoutMs = config.connectTimeoutMs ?? fields.connectTimeoutMs;
  const coldMs = SLEEPING_HOSTS.test(fields.host) ? WAKE_UP_MS : DEFAULTS.connectTimeoutMs;
  return {
    name,
    fields,
    poolSize,
    connectTimeoutMs: duration(connectTimeoutMs, `${path}.connectTimeoutMs`, DEFAULTS.connectTimeoutMs),
    coldConnectTimeoutMs: duration(connectTimeoutMs, `${path}.connectTimeoutMs`, coldMs),
    statementTimeoutMs: duration(config.statementTimeoutMs, `${path}.statementTimeoutMs`, DEFAULTS.statementTimeoutMs),
    slowestBytesPerSecond,
    drainIntervalMs:
      drainIntervalMs === undefined ? undefined : duration(drainIntervalMs, `${path}.drainIntervalMs`, drainIntervalMs),
  };
}

/** @throws {DatabaseError} `invalid_input` for a value that is not a delay in ms that a timer accepts. */
export function duration(value: number | undefined, path: string, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== "number" || !(value > 0 && value <= MAX_TIMEOUT_MS)) {
    throw invalidInput(path, `is ${show(value)}; expected ms above 0, at most ${MAX_TIMEOUT_MS}`);
  }
  return value;
}

function functionOr<Value>(value: (() => Value) | undefined, path: string, fallback: () => Value): () => Value {
  if (value !== undefined && typeof value !== "function") throw invalidInput(path, "must be a function");
  return value ?? fallback;
}
