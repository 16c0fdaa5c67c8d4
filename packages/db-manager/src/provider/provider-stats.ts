import type { PoolStats } from "../connection/pool.ts";
import type { LastError } from "./health.ts";
import type { Latency } from "./latency.ts";
import type { ProviderState } from "./provider-state.ts";

export interface ProviderStats {
  readonly state: ProviderState;
  readonly since: Date;
  /** `host:port`, or the path of a socket. */
  readonly host: string;
  readonly statements: "named" | "unnamed";
  /** What last failed here, whether or not it changed the state; never the caller's own mistakes. */
  readonly lastError: LastError | undefined;
  /** Of the latest 256 statements that were answered. */
  readonly latencyMs: Latency;
  readonly pool: PoolStats;
  /** Operations that another provider was asked for too, because this one was silent. */
  readonly hedges: number;
  /** Operations that went on to another provider, because they failed here. */
  readonly failovers: number;
  readonly drainIntervalMs: number | undefined;
}
