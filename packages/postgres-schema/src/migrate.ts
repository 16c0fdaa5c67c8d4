import { readOptions } from "@rivet/memory-core";
import { adoptLegacyTable, isLegacyTable, setLegacyTableAside } from "./adoption.ts";
import type { Queryable, SchemaDatabase } from "./database.ts";
import {
  encodingWithoutUnicode,
  foreignTable,
  mayNotMigrate,
  newerSchema,
  otherPartitions,
  outdatedSchema,
} from "./errors.ts";
import { migrationStatements, SCHEMA_VERSION } from "./migrations.ts";
import { DEFAULT_SCHEMA, hiddenSchemaOf, quoteName, tableNames } from "./names.ts";
import { assertVersion, parseSchemaOptions, SCHEMA_FIELDS, type SchemaOptions } from "./options.ts";

/**
 * Creates or upgrades the tables. Any number of processes may do so at once: one migrates, and the others wait and find
 * the work done. Everything happens in one transaction, so a migration is never half done.
 *
 * A table `session_memories` of the Python original is adopted: its rows become atoms, each once and in their order,
 * and it stays beside them under another name.
 *
 * Tables that a Supabase project's migration has moved to its hidden schema are found there, and none are created
 * beside them.
 *
 * @returns the schema that has the tables.
 * @throws {MemoryError} `schema` when the tables are newer than this code, or belong to another application, and when
 *   the database cannot hold Unicode; `permission` when the role may not create them; and what the database throws.
 */
export async function migrate(database: SchemaDatabase, options: SchemaOptions = {}): Promise<string> {
  const layout = parseSchemaOptions(readOptions(options, SCHEMA_FIELDS, "options"));
  await assertUnicode(database);
  let { schema, version } = await knownTables(database, layout.schema);
  if (version < SCHEMA_VERSION) {
    try {
      schema = await database.transaction((client) => migrateInTransaction(client, layout));
    } catch (error) {
      throw isPermissionDenied(error) ? mayNotMigrate(schema, error) : error;
    }
  }
  await checkPartitions(database, { ...layout, schema });
  return schema;
}

/**
 * Checks that the tables are those that this code expects, and changes nothing. It looks where {@link migrate} does.
 *
 * @returns the schema that has the tables.
 * @throws {MemoryError} `schema`, saying what to run.
 */
export async function checkSchema(database: Queryable, options: SchemaOptions = {}): Promise<string> {
  const layout = parseSchemaOptions(readOptions(options, SCHEMA_FIELDS, "options"));
  await assertUnicode(database);
  const { schema, version } = await knownTables(database, layout.schema);
  if (version < SCHEMA_VERSION) throw outdatedSchema(schema, version);
  await checkPartitions(database, { ...layout, schema });
  return schema;
}

/**
 * The SQL that {@link migrate} runs, statement by statement, for people who apply it themselves. Run all of it in one
 * transaction.
 *
 * @throws {MemoryError} `invalid_input` for an invalid option.
 * @example
 * console.log(schemaStatements({ schema: "agent" }).join(";\n\n") + ";");
 */
export function schemaStatements(options: SchemaOptions & { fromVersion?: number } = {}): string[] {
  const { fromVersion = 0, ...rest } = readOptions(options, { ...SCHEMA_FIELDS, fromVersion: "setting" }, "options");
  const layout = parseSchemaOptions(rest);
  assertVersion(fromVersion);
  const { schema } = tableNames(layout.schema);
  const createSchema = fromVersion === 0 ? [`CREATE SCHEMA IF NOT EXISTS ${schema}`] : [];
  return [...createSchema, ...migrationStatements(layout, fromVersion)];
}

type Layout = ReturnType<typeof parseSchemaOptions>;

async function migrateInTransaction(client: Queryable, layout: Layout): Promise<string> {
  // At a higher level, the transaction would not see migrations that others ran while it waited for the lock.
  await client.query("SET TRANSACTION ISOLATION LEVEL READ COMMITTED");
  // The lock is held to the end of the transaction, so a second process finds the work done. Supabase migrations take
  // it too.
  await client.query("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended($1, 0))", [
    migrationLock(layout.schema),
  ]);
  const { schema, version } = await knownTables(client, layout.schema);
  let legacyTable: string | undefined;
  if (version === 0 && (await hasTable(client, schema, "session_memories"))) {
    if (!(await isLegacyTable(client, schema))) throw foreignTable(schema);
    legacyTable = await setLegacyTableAside(client, schema);
  }
  // CREATE SCHEMA IF NOT EXISTS requires the privilege to create one even if the schema exists.
  if (!(await hasSchema(client, schema))) await client.query(`CREATE SCHEMA ${quoteName(schema)}`);
  for (const statement of migrationStatements({ ...layout, schema }, version)) await client.query(statement);
  if (legacyTable !== undefined) await adoptLegacyTable(client, schema, legacyTable);
  return schema;
}

/**
 * Any text survives in UTF-8 alone: other encodings refuse a save with an emoji, and SQL_ASCII neither compares nor
 * escapes what is not ASCII.
 */
async function assertUnicode(database: Queryable): Promise<void> {
  const { rows } = await database.query("SELECT pg_catalog.current_setting('server_encoding') AS encoding");
  const encoding = String(rows[0]?.["encoding"]);
  if (encoding !== "UTF8") throw encodingWithoutUnicode(encoding);
}

/** Returns the name of the advisory lock for creating, changing or moving the tables of a schema. */
export function migrationLock(schema: string): string {
  return `rivet-memory ${schema}`;
}

/** The schema in which tables exist or would be created, and their version. */
export interface FoundTables {
  readonly schema: string;
  /** The number of migrations applied to the tables: 0 if there are none. */
  readonly version: number;
}

/**
 * Looks for the tables of a schema, in the hidden one first: once tables have moved there, none are made where they
 * were.
 *
 * @param schema as the option `schema` names it.
 * @example
 * const { schema, version } = await findTables(database, "public"); // "rivet_public" in a Supabase project
 */
export async function findTables(database: Queryable, schema: string = DEFAULT_SCHEMA): Promise<FoundTables> {
  const hidden = hiddenSchemaOf(schema);
  for (const place of hidden === undefined ? [schema] : [hidden, schema]) {
    if (!(await hasTable(database, place, "rivet_store"))) continue;
    const { rows } = await database.query(`SELECT schema_version FROM ${tableNames(place).store}`);
    return { schema: place, version: Number(rows[0]?.["schema_version"] ?? 0) };
  }
  return { schema, version: 0 };
}

/** @throws {MemoryError} `schema` for tables that are newer than this code. */
async function knownTables(database: Queryable, schema: string): Promise<FoundTables> {
  const found = await findTables(database, schema);
  if (found.version > SCHEMA_VERSION) throw newerSchema(found.schema, found.version);
  return found;
}

async function checkPartitions(database: Queryable, { schema, partitions }: Layout): Promise<void> {
  if (partitions === undefined) return;
  const { rows } = await database.query(
    "SELECT pg_catalog.count(*)::int AS found FROM pg_catalog.pg_inherits WHERE inhparent = $1::pg_catalog.regclass::pg_catalog.oid",
    [tableNames(schema).memories],
  );
  const found = Number(rows[0]?.["found"]);
  if (found !== partitions) throw otherPartitions(schema, partitions, found);
}

/**
 * Whether the table exists. After a wait for its creator `to_regclass` may still return null; the catalog is up to
 * date.
 */
async function hasTable(database: Queryable, schema: string, table: string): Promise<boolean> {
  const { rows } = await database.query(
    `SELECT FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
     WHERE nspname = $1 AND relname = $2`,
    [schema, table],
  );
  return rows.length > 0;
}

async function hasSchema(database: Queryable, schema: string): Promise<boolean> {
  const { rows } = await database.query("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", [schema]);
  return rows.length > 0;
}

/** PostgreSQL's code for an insufficient privilege, whichever client reports it. */
function isPermissionDenied(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code: unknown = "sqlState" in error ? error.sqlState : "code" in error ? error.code : undefined;
  return code === "42501";
}
