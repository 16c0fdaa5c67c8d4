import { assertNodeVersion } from "./configuration/node-version.ts";

export { DatabaseManager, type JournalPlace } from "./manager/database-manager.ts";
export { DatabaseError, type DatabaseErrorCode, type Outcome } from "./errors/errors.ts";
export type { SkippedProvider } from "./configuration/environment.ts";
export type { DatabaseEvents, ProviderChange } from "./telemetry/events.ts";
export type { Latency } from "./provider/latency.ts";
export type { DatabaseManagerOptions, ProviderConfig } from "./configuration/options.ts";
export type { TlsOptions } from "./configuration/tls-options.ts";
export type { PoolStats } from "./connection/pool.ts";
export type { LastError, StateChange } from "./provider/health.ts";
export type { ProviderStats } from "./provider/provider-stats.ts";
export type { ReturnGuard } from "./provider/return-guards.ts";
export type { ProviderState } from "./provider/provider-state.ts";
export type {
  IsolationLevel,
  NamedStatement,
  ProviderHandle,
  Queryable,
  QueryOptions,
  QueryResult,
  RoutingOptions,
  RunOptions,
  TextValues,
  TransactionOptions,
} from "./manager/queryable.ts";

assertNodeVersion(process.versions.node);
