import type { ProviderHandle, Queryable } from "@rivet/db-manager";
import type { SchemaDatabase } from "@rivet/postgres-schema";

/** The time-out of a migration's statements, which may wait for another migration or adopt a large table. */
const STATEMENT_TIMEOUT_MS = 10 * 60_000;
/** The deadline for the whole preparation of a provider. */
export const PREPARATION_DEADLINE_MS = 60 * 60_000;

/** Adapts a provider to the interface of the migrations, with suitable deadlines. */
export function schemaDatabase(provider: ProviderHandle): SchemaDatabase {
  const query =
    (client: Queryable, timeoutMs?: number): SchemaDatabase["query"] =>
    async (text, values) =>
      client.query<Record<string, unknown>>(text, values, timeoutMs === undefined ? {} : { timeoutMs });
  return {
    query: query(provider),
    transaction: (work) => provider.transaction((client) => work({ query: query(client, STATEMENT_TIMEOUT_MS) })),
  };
}
