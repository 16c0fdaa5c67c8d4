import { readOptions, type OptionFields } from "@rivet/memory-core";
import { DEFAULT_SCHEMA } from "@rivet/postgres-schema";
import { admissionFunctions } from "./functions/admission-functions.ts";
import { policyStatements } from "./policies.ts";
import { readFunctions } from "./functions/read-functions.ts";
import { markPlace, placeTables } from "./tables.ts";
import { writeFunctions } from "./functions/write-functions.ts";

export interface SupabaseMigrationOptions {
  /**
   * The schema of the functions, one that the project's API shows; the tables are in `rivet_` and its name. Default:
   * `public`.
   */
  schema?: string;
}

const MIGRATION_FIELDS: OptionFields<SupabaseMigrationOptions> = { schema: "setting" };

/**
 * The text of a migration for a Supabase project: the tables, in a schema that the API does not show; row-level
 * security with its policies; and, in the schema that it does show, the functions that {@link SupabaseMemoryStorage}
 * calls. Tables that are in the schema that is shown, from an earlier version or a direct connection, are moved with
 * all that they hold. It may be applied again, and is in the package as a file, for the schema `public`.
 *
 * @throws {MemoryError} `invalid_input` for a schema that is not a plain name.
 * @example
 * await writeFile("supabase/migrations/20260101000000_agent_memory.sql", supabaseMigration({ schema: "agent" }));
 */
export function supabaseMigration(options: SupabaseMigrationOptions = {}): string {
  const { schema = DEFAULT_SCHEMA } = readOptions(options, MIGRATION_FIELDS, "options");
  const admission = admissionFunctions(schema);
  const functions = [...writeFunctions(schema), ...readFunctions(schema)];
  const statements = [
    placeTables(schema),
    ...markPlace(schema),
    ...admission,
    ...policyStatements(schema),
    ...functions,
    ...permissions([...admission, ...functions]),
  ];
  return `${[HEAD, ...statements.map((statement) => `${statement};`)].join("\n\n")}\n`;
}

const HEAD = `-- Rivet Memory in a Supabase project, as @rivet/memory-supabase makes it. It may be applied again.`;

/** @param functions their definitions, each of which names its signature. */
function permissions(functions: readonly string[]): string[] {
  const names = functions.map((text) => /FUNCTION (\S+?)\(/.exec(text)?.[1] ?? "");
  const list = names.join(", ");
  return [
    `REVOKE ALL ON FUNCTION ${list} FROM PUBLIC, anon`,
    `GRANT EXECUTE ON FUNCTION ${list} TO authenticated, service_role`,
    `-- The API learns of what is new.
NOTIFY pgrst, 'reload schema'`,
  ];
}
