import { schemaStatements } from "./migrate.ts";

/** The text of `sql/schema.sql`: the tables in the schema `public`, for people who apply the SQL themselves. */
export function sqlFile(): string {
  const statements = schemaStatements().map((statement) => `${statement};`);
  const head = `-- The tables of Rivet Memory, as @rivet/postgres-schema makes them. Apply it once, for example with
--   psql "$DATABASE_URL" --set ON_ERROR_STOP=1 --file schema.sql
-- and open the storage with migrate: false. For another schema or hash partitions, use schemaStatements().`;
  return `${[head, "BEGIN;", ...statements, "COMMIT;"].join("\n\n")}\n`;
}
