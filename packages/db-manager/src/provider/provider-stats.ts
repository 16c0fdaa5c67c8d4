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
  /** The last failure of this provider, whether or not it changed the state. Mistakes of the caller do not count. */
  readonly lastError: LastError | undefined;
  /** The latencies of the latest 256 answered statements. */
  readonly latencyMs: Latency;
  readonly pool: PoolStats;
  /** The number of operations that were also sent to another provider, because this one was silent. */
  readonly hedges: number;
  /** The number of operations that failed over from this provider to another. */
  readonly failovers: number;
  readonly drainIntervalMs: number | undefined;
}
