import { MemoryError, readOptions, type OptionFields } from "@rivet/memory-core";
import { DEFAULT_SCHEMA, SCHEMA_VERSION, schemaStatements, tableNames } from "@rivet/postgres-schema";
import { policyStatements } from "./policies.ts";
import { readFunctions } from "./read-functions.ts";
import { writeFunctions } from "./write-functions.ts";

export interface SupabaseMigrationOptions {
  /** The schema, one that the project's API shows. Default: `public`. */
  schema?: string;
}

const MIGRATION_FIELDS: OptionFields<SupabaseMigrationOptions> = { schema: "setting" };

/**
 * The text of a migration for a Supabase project: the tables, unless a direct connection has made them already, row-level
 * security with its policies, and the functions that {@link SupabaseMemoryStorage} calls. It may be applied again, and is
 * in the package as a file, for the schema `public`.
 *
 * @throws {MemoryError} `invalid_input` for a schema that is not a plain name.
 * @example
 * await writeFile("supabase/migrations/20260101000000_agent_memory.sql", supabaseMigration({ schema: "agent" }));
 */
export function supabaseMigration(options: SupabaseMigrationOptions = {}): string {
  const { schema = DEFAULT_SCHEMA } = readOptions(options, MIGRATION_FIELDS, "options");
  // The functions put the name into SQL that they make as they run.
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(schema)) {
    const path = "options.schema";
    throw new MemoryError({
      code: "invalid_input",
      message: `${path} must be a name of letters, digits and underscores`,
      path,
    });
  }
  const functions = [...writeFunctions(schema), ...readFunctions(schema)];
  const statements = [
    createTables(schema),
    ...policyStatements(schema),
    ...functions,
    ...permissions(schema, functions),
  ];
  return `${[HEAD, ...statements.map((statement) => `${statement};`)].join("\n\n")}\n`;
}

/** The version of the tables that the first of these files made. Newer ones bring them up to date. */
const FIRST_VERSION = 2;

const HEAD = `-- Rivet Memory in a Supabase project, as @rivet/memory-supabase makes it. It may be applied again.`;

function createTables(schema: string): string {
  const { schema: place, store } = tableNames(schema);
  const [createSchema, ...statements] = schemaStatements({ schema });
  const listed = (texts: readonly string[]): string => texts.map((statement) => `${statement};`).join("\n\n");
  const upgrades = Array.from({ length: SCHEMA_VERSION - FIRST_VERSION }, (_, index) => FIRST_VERSION + index).map(
    (version) => `ELSIF (SELECT schema_version FROM ${store}) = ${version} THEN

${listed(schemaStatements({ schema, fromVersion: version }))}

`,
  );
  return `DO $rivet$ BEGIN
IF pg_catalog.to_regnamespace('${place}') IS NULL THEN
${createSchema};
END IF;

IF pg_catalog.to_regclass('${store}') IS NULL THEN

${listed(statements)}

${upgrades.join("")}ELSIF (SELECT schema_version FROM ${store}) <> ${SCHEMA_VERSION} THEN
  RAISE EXCEPTION 'the tables of Rivet Memory have version %, and this file is for version ${SCHEMA_VERSION}',
    (SELECT schema_version FROM ${store})
    USING HINT = 'Apply the file of the version of @rivet/memory-supabase that is installed.';
END IF;
END $rivet$`;
}

/** @param functions their definitions, each of which names its signature. */
function permissions(schema: string, functions: readonly string[]): string[] {
  const names = functions.map((text) => /FUNCTION (\S+?)\(/.exec(text)?.[1] ?? "");
  const list = [...names, `${tableNames(schema).schema}.rivet_own_tombstone`].join(", ");
  return [
    `REVOKE ALL ON FUNCTION ${list} FROM PUBLIC, anon`,
    `GRANT EXECUTE ON FUNCTION ${list} TO authenticated, service_role`,
    `-- The API learns of what is new.
NOTIFY pgrst, 'reload schema'`,
  ];
}
