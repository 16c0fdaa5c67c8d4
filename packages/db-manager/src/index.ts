import { assertNodeVersion } from "./node-version.ts";

export { DatabaseManager, type JournalPlace } from "./database-manager.ts";
export { DatabaseError, type DatabaseErrorCode, type Outcome } from "./errors.ts";
export type { SkippedProvider } from "./environment.ts";
export type { DatabaseEvents, ProviderChange } from "./events.ts";
export type { Latency } from "./latency.ts";
export type { DatabaseManagerOptions, ProviderConfig, TlsOptions } from "./options.ts";
export type { PoolStats } from "./pool.ts";
export type { LastError, StateChange } from "./health.ts";
export type { ProviderStats } from "./provider.ts";
export type { ReturnGuard } from "./return-guards.ts";
export type { ProviderState } from "./provider-state.ts";
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
} from "./queryable.ts";

assertNodeVersion(process.versions.node);
