import { MemoryError } from "@rivet/memory-core";
import { SCHEMA_VERSION } from "./migrations.ts";

const PRINT_SQL = "schemaStatements() of @rivet/postgres-schema prints the SQL, and its sql/ folder has it as a file";

/** The tables were made by a later version of this package. */
export function newerSchema(schema: string, version: number): MemoryError {
  return schemaError(
    `the tables in schema ${JSON.stringify(schema)} have version ${version}, but this code supports at most version ${SCHEMA_VERSION}; upgrade @rivet/memory-postgres`,
  );
}

/** The tables are missing or older, and `migrate: false` forbids changing them. */
export function outdatedSchema(schema: string, version: number): MemoryError {
  const found = version === 0 ? "has no tables of Rivet Memory" : `has version ${version} of the tables`;
  const from = version === 0 ? "" : `, fromVersion: ${version}`;
  return schemaError(
    `schema ${JSON.stringify(schema)} ${found}, and this code needs version ${SCHEMA_VERSION}; run the SQL that schemaStatements({ schema: ${JSON.stringify(schema)}${from} }) of @rivet/postgres-schema returns, in one transaction, or open the storage once with migrate: true and a role that may create tables`,
  );
}

/** The database was created with an encoding that lacks most of the world's characters. */
export function encodingWithoutUnicode(encoding: string): MemoryError {
  return schemaError(
    `the database has the encoding ${encoding}, which cannot hold every text, and the encoding of a database cannot be changed; create another one (CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0), move the data with pg_dump and psql, and give its address`,
  );
}

/** Neither this package nor its Python predecessor created the existing table of that name. */
export function foreignTable(schema: string): MemoryError {
  return schemaError(
    `schema ${JSON.stringify(schema)} has a table session_memories of another application, which was left unchanged; choose another schema with the option schema`,
  );
}

/** The tables exist with a number of partitions that differs from the option. */
export function otherPartitions(schema: string, expected: number, found: number): MemoryError {
  return schemaError(
    `session_memories in schema ${JSON.stringify(schema)} has ${found === 0 ? "no" : found} partitions, but the option partitions is ${expected}; partitions are set when the tables are created: leave the option out, or move the data to a new schema`,
  );
}

/** The role may not create what is missing. */
export function mayNotMigrate(schema: string, cause: unknown): MemoryError {
  return new MemoryError({
    code: "permission",
    message: `the tables in schema ${JSON.stringify(schema)} are missing or older than this code, and this role may not create them; GRANT CREATE on the schema to it, or let its owner run the SQL (${PRINT_SQL})`,
    cause,
    outcome: "not_applied",
  });
}

function schemaError(message: string): MemoryError {
  return new MemoryError({ code: "schema", message, outcome: "not_applied" });
}
