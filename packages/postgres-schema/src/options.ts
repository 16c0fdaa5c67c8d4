import { MemoryError, type OptionFields } from "@rivet/memory-core";
import { SCHEMA_VERSION } from "./migrations.ts";
import { DEFAULT_SCHEMA, MAX_NAME_BYTES } from "./names.ts";

export interface SchemaOptions {
  /**
   * The PostgreSQL schema of the tables; created when it is missing. Where a Supabase project's migration has moved the
   * tables out of a schema, this still names that schema, and the tables are found in `rivet_` and its name. Default:
   * `public`.
   */
  schema?: string;
  /**
   * Split `session_memories` into so many hash partitions by session. It is decided when the tables are created, and is
   * for hundreds of millions of atoms. Default: none.
   */
  partitions?: number;
}

export const SCHEMA_FIELDS: OptionFields<SchemaOptions> = { schema: "setting", partitions: "setting" };

const MAX_PARTITIONS = 1024;

/**
 * @param options the options to check.
 * @throws {MemoryError} `invalid_input` with the path of the offending option.
 */
export function parseSchemaOptions(options: SchemaOptions): { schema: string; partitions: number | undefined } {
  const { schema = DEFAULT_SCHEMA, partitions } = options;
  if (typeof schema !== "string" || !isName(schema)) {
    throw invalid(
      "options.schema",
      `must be a name of 1 to ${MAX_NAME_BYTES} bytes, without NUL and not starting with pg_`,
    );
  }
  if (partitions !== undefined && !(Number.isInteger(partitions) && partitions >= 1 && partitions <= MAX_PARTITIONS)) {
    throw invalid("options.partitions", `must be a whole number from 1 to ${MAX_PARTITIONS}`);
  }
  return { schema, partitions };
}

/** @throws {MemoryError} `invalid_input` for a version that cannot be upgraded to the present one. */
export function assertVersion(fromVersion: number): void {
  if (Number.isInteger(fromVersion) && fromVersion >= 0 && fromVersion <= SCHEMA_VERSION) return;
  throw invalid("options.fromVersion", `must be a version of the tables, from 0 to ${SCHEMA_VERSION}`);
}

function isName(name: string): boolean {
  const bytes = new TextEncoder().encode(name).length;
  return (
    bytes >= 1 && bytes <= MAX_NAME_BYTES && !name.includes("\0") && name.isWellFormed() && !name.startsWith("pg_")
  );
}

function invalid(path: string, problem: string): MemoryError {
  return new MemoryError({ code: "invalid_input", message: `${path} ${problem}`, path });
}
