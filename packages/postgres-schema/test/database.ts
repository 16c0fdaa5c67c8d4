import { sharedServer, type PostgresServer } from "@rivet/local-servers";
import pg from "pg";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import type { SchemaDatabase } from "../src/index.ts";

/** A server for all tests of a file; `server()` gives it once they run. */
export function useServer(): () => PostgresServer {
  return sharedServer({ beforeAll, afterAll });
}

/** One connection, for the time of a test, as the migrations want it. */
export async function connect(url: string): Promise<SchemaDatabase & { readonly pid: number }> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  onTestFinished(() => client.end());
  const query: SchemaDatabase["query"] = (text, values) => client.query(text, values === undefined ? [] : [...values]);
  const { rows } = await client.query("SELECT pg_backend_pid() AS pid");
  return {
    pid: rows[0].pid,
    query,
    transaction: async (work) => {
      await client.query("BEGIN");
      try {
        const result = await work({ query });
        await client.query("COMMIT");
        return result;
      } catch (error) {
        await client.query("ROLLBACK").catch(() => undefined);
        throw error;
      }
    },
  };
}

/** Every table, index and column of a schema, as text. */
export async function catalogOf(database: SchemaDatabase, schema: string): Promise<string[]> {
  const { rows } = await database.query(
    `SELECT format('%s %s %s', relkind, relname, pg_get_indexdef(pg_class.oid)) AS line FROM pg_class
     JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = $1 AND relkind <> 't'
     UNION ALL
     SELECT format('%s.%s %s %s %s', table_name, column_name, data_type, is_nullable, collation_name)
     FROM information_schema.columns WHERE table_schema = $1 ORDER BY 1`,
    [schema],
  );
  return rows.map(({ line }) => String(line).replaceAll(schema, "SCHEMA"));
}
