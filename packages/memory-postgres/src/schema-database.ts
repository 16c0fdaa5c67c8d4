import type { DatabaseManager, Queryable } from "@rivet/db-manager";
import type { SchemaDatabase } from "@rivet/postgres-schema";

/** Migrations wait for one another, and adopting a large table takes its time. */
const STATEMENT_TIMEOUT_MS = 10 * 60_000;
const MIGRATION_DEADLINE_MS = 60 * 60_000;

/** The manager as the migrations want it, with deadlines that fit them. */
export function schemaDatabase(db: DatabaseManager): SchemaDatabase {
  const query =
    (client: Queryable, timeoutMs?: number): SchemaDatabase["query"] =>
    async (text, values) => {
      const options = timeoutMs === undefined ? { idempotent: true } : { timeoutMs };
      return client.query<Record<string, unknown>>(text, values, options);
    };
  return {
    query: query(db),
    transaction: (work) =>
      db.transaction((client) => work({ query: query(client, STATEMENT_TIMEOUT_MS) }), {
        idempotent: true,
        deadlineMs: MIGRATION_DEADLINE_MS,
      }),
  };
}
