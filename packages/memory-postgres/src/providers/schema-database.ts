import type { ProviderHandle, Queryable } from "@rivet/db-manager";
import type { SchemaDatabase } from "@rivet/postgres-schema";

/** Migrations wait for one another, and adopting a large table takes its time. */
const STATEMENT_TIMEOUT_MS = 10 * 60_000;
/** For everything that is done to make a provider ready. */
export const PREPARATION_DEADLINE_MS = 60 * 60_000;

/** A provider as the migrations want it, with deadlines that fit them. */
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
