/** The tables of the hidden schema: moved there, created or brought up to date. */
import { migrationLock, SCHEMA_VERSION, schemaStatements, tableNames } from "@rivet/postgres-schema";
import { hiddenSchema } from "./names.ts";

/** The version of the tables that the first of these files made. Newer ones bring them up to date. */
const FIRST_VERSION = 2;
/** More than any version of the tables: what reads it asks for a newer version of the package, and creates nothing. */
const NO_VERSION = 2_147_483_647;

/** One statement, so that all of it happens or nothing, whatever applies the file. */
export function placeTables(schema: string): string {
  const hidden = hiddenSchema(schema);
  const { store } = tableNames(hidden);
  const [createHidden, ...create] = schemaStatements({ schema: hidden });
  const upgrades = Array.from({ length: SCHEMA_VERSION - FIRST_VERSION }, (_, index) => FIRST_VERSION + index).map(
    (version) => `ELSIF (SELECT schema_version FROM ${store}) = ${version} THEN

${listed(schemaStatements({ schema: hidden, fromVersion: version }))}

`,
  );
  return `-- The tables are in a schema that the API does not show: a request reaches them through the functions alone.
DO $rivet$
DECLARE
  process record;
  moved record;
BEGIN
-- Processes that open a direct connection take the same lock when they create tables.
PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('${migrationLock(schema)}', 0));
IF pg_catalog.to_regnamespace('${tableNames(schema).schema}') IS NULL THEN
CREATE SCHEMA ${tableNames(schema).schema};
END IF;
IF pg_catalog.to_regnamespace('${tableNames(hidden).schema}') IS NULL THEN
${createHidden};
END IF;
${moveTables(schema)}
IF pg_catalog.to_regclass('${store}') IS NULL THEN

${listed(create)}

${upgrades.join("")}ELSIF (SELECT schema_version FROM ${store}) <> ${SCHEMA_VERSION} THEN
  RAISE EXCEPTION 'the tables of Rivet Memory have version %, and this file is for version ${SCHEMA_VERSION}',
    (SELECT schema_version FROM ${store})
    USING HINT = 'Apply the file of the version of @rivet/memory-supabase that is installed.';
END IF;
END $rivet$`;
}

/**
 * Moves the tables from the schema that the API shows. Roles that could use them there get what they need to use them
 * in the hidden schema.
 */
function moveTables(schema: string): string {
  const hidden = hiddenSchema(schema);
  const place = tableNames(hidden).schema;
  const { schema: _, ...shown } = tableNames(schema);
  const isTable = (name: string): string =>
    `EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass('${name}')::oid AND relkind <> 'v')`;
  return `
IF ${isTable(shown.store)} THEN
  IF pg_catalog.to_regclass('${tableNames(hidden).store}') IS NOT NULL THEN
    RAISE EXCEPTION 'both schema ${schema} and schema ${hidden} have tables of Rivet Memory'
      USING HINT = 'Bring the rows of the one to the other, for example with rivet-memory copy, and drop it.';
  END IF;
  RAISE NOTICE 'The tables of Rivet Memory move from schema ${schema} to schema ${hidden}. A process that works on them at the moment gets the error schema until it is started again with this version of Rivet Memory. Connected now:';
  FOR process IN
    SELECT pid, COALESCE(usename::text, '?') AS role, COALESCE(NULLIF(application_name, ''), '?') AS application,
      COALESCE(client_addr::text, '?') AS address
    FROM pg_catalog.pg_stat_activity
    WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid()
      AND COALESCE(backend_type, 'client backend') = 'client backend'
    ORDER BY pid
  LOOP
    RAISE NOTICE 'process %, role %, application %, address %', process.pid, process.role, process.application, process.address;
  END LOOP;
  FOR moved IN
    SELECT inhrelid::pg_catalog.regclass AS name FROM pg_catalog.pg_inherits
    WHERE inhparent = pg_catalog.to_regclass('${shown.memories}')::oid
  LOOP
    EXECUTE pg_catalog.format('ALTER TABLE %s SET SCHEMA ${place}', moved.name);
  END LOOP;
${Object.values(shown)
  .map((table) => `  ALTER TABLE ${table} SET SCHEMA ${place};`)
  .join("\n")}
  FOR moved IN
    SELECT DISTINCT rolname AS name FROM pg_catalog.pg_class CROSS JOIN LATERAL pg_catalog.aclexplode(relacl) AS acl
      JOIN pg_catalog.pg_roles ON pg_roles.oid = grantee
    WHERE relnamespace = pg_catalog.to_regnamespace('${place}')::oid AND rolname NOT IN ('anon', 'authenticated')
  LOOP
    EXECUTE pg_catalog.format('GRANT USAGE ON SCHEMA ${place} TO %I', moved.name);
  END LOOP;
ELSIF ${isTable(shown.memories)} THEN
  RAISE EXCEPTION 'schema ${schema} has a table session_memories that is not this version''s'
    USING HINT = 'A table of the Python original is adopted by: rivet-memory migrate postgres://… Run that, and apply this file again. A table of another application stays where it is: choose another schema.';
END IF;`;
}

/**
 * A view in the place of the tables. Versions of `@rivet/memory-postgres` that look for tables there alone are told to
 * be brought up to date by it; without it they would create empty tables beside those that are in use.
 */
export function markPlace(schema: string): string[] {
  const { store } = tableNames(schema);
  return [
    `-- The tables are elsewhere: versions that look for them here ask for an upgrade, and create none.
CREATE OR REPLACE VIEW ${store} AS SELECT ${NO_VERSION} AS schema_version`,
    `REVOKE ALL ON ${store} FROM PUBLIC, anon, authenticated, service_role`,
  ];
}

function listed(statements: readonly string[]): string {
  return statements.map((statement) => `${statement};`).join("\n\n");
}
