/** Schemas in which every role may create objects. */
import type { ProviderHandle } from "@rivet/db-manager";
import { warning, type Finding } from "./finding.ts";

/** Selects the schemas of the tables, and the schemas in the search path of this role. */
const OPEN_SCHEMAS = `
SELECT nspname::pg_catalog.text AS name FROM pg_catalog.pg_namespace
WHERE (nspname = ANY ($1::pg_catalog.name[]) OR nspname = ANY (pg_catalog.current_schemas(false)))
  AND pg_catalog.has_schema_privilege('public'::pg_catalog.name, oid, 'CREATE')
ORDER BY nspname`;

/**
 * Warns of each: what a stranger creates there may run as an application that names no schemas. PostgreSQL 14 and
 * earlier create databases whose schema `public` is open so, and it stays open when they are upgraded.
 */
export async function examineOpenSchemas(
  handle: ProviderHandle,
  name: string,
  schemas: readonly string[],
): Promise<Finding[]> {
  const { rows } = await handle.query<{ name: string }>(OPEN_SCHEMAS, [schemas]);
  return rows.map((row) =>
    warning(
      name,
      "rights",
      `every role may create functions and tables in the schema ${JSON.stringify(row.name)}`,
      `REVOKE CREATE ON SCHEMA "${row.name.replaceAll('"', '""')}" FROM PUBLIC`,
    ),
  );
}
