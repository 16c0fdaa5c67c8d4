import { MemoryError } from "@rivet/memory-core";
import { hiddenSchemaOf, tableNames, type TableNames } from "@rivet/postgres-schema";

/**
 * The schema of the tables, which the API does not show.
 *
 * @param schema the one that the API shows.
 * @throws {MemoryError} `invalid_input` for a name that is not plain, or too long.
 */
export function hiddenSchema(schema: string): string {
  // The functions put the name into SQL that they make as they run.
  const isPlain = /^[A-Za-z_][A-Za-z0-9_]*$/.test(schema) && !schema.startsWith("pg_");
  const hidden = isPlain ? hiddenSchemaOf(schema) : undefined;
  if (hidden !== undefined) return hidden;
  const path = "options.schema";
  const message = `${path} must be a name of letters, digits and underscores, of at most 57 bytes, and not start with pg_`;
  throw new MemoryError({ code: "invalid_input", message, path });
}

/**
 * The names in functions and policies: `schema` is the one that the API shows, and the tables are in the hidden one.
 */
export function namesOf(schema: string): TableNames {
  return { ...tableNames(hiddenSchema(schema)), schema: tableNames(schema).schema };
}
