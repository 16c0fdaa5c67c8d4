import type { DatabaseManagerOptions, ProviderConfig } from "@rivet/db-manager";

/** Short enough that many faults fit a minute, and longer than a busy machine of two cores takes for a statement. */
const PROVIDER_TIMES = { connectTimeoutMs: 500, statementTimeoutMs: 500, drainIntervalMs: 500 };

/** A manager's options for the run. */
export function managerOptions(
  providers: readonly Pick<ProviderConfig, "name" | "connectionString">[],
): DatabaseManagerOptions {
  return {
    providers: providers.map(({ name, connectionString }) => ({ name, connectionString, ...PROVIDER_TIMES })),
    dwellMs: 200,
    longestProbeDelayMs: 1_000,
    operationTimeoutMs: 3_000,
  };
}
