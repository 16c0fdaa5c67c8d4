/** Converts a table of the Python original to this schema, in the transaction of the migration. */
import { bySession, headAfterInsert, type AtomRow, type SessionHead } from "@rivet/memory-core";
import type { Queryable } from "./database.ts";
import { LegacyConverter, type LegacyRow } from "./legacy-rows.ts";
import { bitsOfId, quoteName, recencyOf, tableNames } from "./names.ts";

const TABLE = "session_memories";
const COLUMNS = ["id", "session_id", "user_id", "memory_type", "content", "created_at"] as const;
const ROWS_AT_A_TIME = 1_000;

/**
 * Whether `session_memories` of a schema without our other tables is the Python original's: it has its columns, and the
 * `id` alone is the key.
 */
export async function isLegacyTable(client: Queryable, schema: string): Promise<boolean> {
  const { rows: columns } = await client.query(
    `SELECT attname::pg_catalog.text AS name, pg_catalog.format_type(atttypid, NULL) AS type FROM pg_catalog.pg_attribute
     WHERE attrelid = $1::pg_catalog.regclass::pg_catalog.oid AND attnum > 0 AND NOT attisdropped`,
    [tableNames(schema).memories],
  );
  const types = new Map(columns.map(({ name, type }) => [String(name), String(type)]));
  const { rows: keys } = await client.query(
    `SELECT attname::pg_catalog.text AS name FROM pg_catalog.pg_index JOIN pg_catalog.pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
     WHERE indrelid = $1::pg_catalog.regclass::pg_catalog.oid AND indisprimary`,
    [tableNames(schema).memories],
  );
  return (
    COLUMNS.every((name) => types.has(name)) &&
    types.get("id") === "uuid" &&
    /^jsonb?$/.test(types.get("content") ?? "") &&
    keys.every(({ name }) => name === "id")
  );
}

/**
 * Renames the table, and those of its indexes whose names this schema needs.
 *
 * @returns its name now: `session_memories_legacy`, or the first such name with a number that is free.
 */
export async function setLegacyTableAside(client: Queryable, schema: string): Promise<string> {
  const { rows } = await client.query(
    `SELECT relname::pg_catalog.text AS name FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = $1`,
    [schema],
  );
  const taken = new Set(rows.map(({ name }) => name));
  let name = `${TABLE}_legacy`;
  for (let number = 2; taken.has(name); number++) name = `${TABLE}_legacy_${number}`;

  const { rows: indexes } = await client.query(
    `SELECT relname::pg_catalog.text AS name FROM pg_catalog.pg_index JOIN pg_catalog.pg_class ON pg_class.oid = indexrelid WHERE indrelid = $1::pg_catalog.regclass::pg_catalog.oid`,
    [tableNames(schema).memories],
  );
  await client.query(`ALTER TABLE ${tableNames(schema).memories} RENAME TO ${quoteName(name)}`);
  for (const index of indexes.map((row) => String(row["name"]))) {
    if (!/^session_memories_(pkey|by_user|facts|facts_by_user|expiring)$/.test(index)) continue;
    const renamed = `${name}${index.slice(TABLE.length)}`;
    await client.query(`ALTER INDEX ${quoteName(schema)}.${quoteName(index)} RENAME TO ${quoteName(renamed)}`);
  }
  return name;
}

/**
 * Fills the new tables from the renamed one, a thousand rows at a time.
 *
 * - Messages that each save repeated are one: the same session, index, type and text, with the time of the first. Where
 *   two texts stand under one index, both stay.
 * - Messages are in the order of their index; everything else is between them by its time.
 * - Of a session's metadata rows the last one counts.
 * - Nothing else is left out: what has no session, user or role gets a name that says so.
 */
export async function adoptLegacyTable(client: Queryable, schema: string, legacyTable: string): Promise<void> {
  const source = `${quoteName(schema)}.${quoteName(legacyTable)}`;
  await client.query(`DECLARE legacy NO SCROLL CURSOR FOR ${selectLegacyRows(source)}`);
  const converter = new LegacyConverter(Date.now());
  let open: SessionHead | undefined;
  for (;;) {
    const { rows } = await client.query(`FETCH ${ROWS_AT_A_TIME} FROM legacy`);
    const atoms = rows.map((row) => converter.convert(legacyRow(row)));
    await insertAtoms(client, schema, atoms);
    const complete: SessionHead[] = [];
    for (const group of bySession(atoms)) {
      if (open !== undefined && open.sessionId !== group[0].sessionId) complete.push(open);
      const before: SessionHead | undefined = open?.sessionId === group[0].sessionId ? open : undefined;
      open = headAfterInsert(before, group);
    }
    if (rows.length < ROWS_AT_A_TIME && open !== undefined) complete.push(open);
    await insertHeads(client, schema, complete);
    if (rows.length < ROWS_AT_A_TIME) break;
  }
  await client.query("CLOSE legacy");
}

/** Selects the rows session by session, without duplicates, in the order of the future atoms. */
function selectLegacyRows(source: string): string {
  return `
WITH marked AS (
  SELECT id, COALESCE(NULLIF(session_id::pg_catalog.text, ''), 'unknown') AS session_id, user_id::pg_catalog.text AS user_id,
    memory_type::pg_catalog.text AS memory_type, content::pg_catalog.text AS content, pg_catalog.to_jsonb(original) -> 'metadata'::pg_catalog.text AS metadata, created_at,
    pg_catalog.starts_with(memory_type::pg_catalog.text, 'message_') AS is_message,
    CASE WHEN content ->> 'message_index'::pg_catalog.text ~ '^[0-9]{1,9}$' THEN (content ->> 'message_index'::pg_catalog.text)::integer END AS index,
    content ->> 'content'::pg_catalog.text AS text
  FROM ${source} AS original
), folded AS (
  SELECT DISTINCT ON (session_id, key) *
  FROM (
    SELECT *, CASE
      WHEN memory_type = 'session_metadata' THEN 'metadata'
      WHEN is_message AND index IS NOT NULL THEN pg_catalog.concat_ws(' ', 'message', index, memory_type, pg_catalog.md5(text))
      ELSE pg_catalog.concat_ws(' ', 'row', id)
    END AS key
    FROM marked
  ) AS keyed
  -- The first of what was repeated, but the last of the metadata.
  ORDER BY session_id, key, CASE WHEN memory_type = 'session_metadata' THEN created_at END DESC NULLS LAST, created_at, id
), timed AS (
  SELECT *, CASE WHEN is_message AND index IS NOT NULL THEN
    pg_catalog.max(created_at) OVER (PARTITION BY session_id, is_message AND index IS NOT NULL ORDER BY index, created_at, id)
  ELSE created_at END AS placed_at
  FROM folded
)
SELECT session_id, user_id, memory_type, content, metadata::pg_catalog.text AS metadata,
  pg_catalog.date_part('epoch', placed_at) * 1000::double precision AS created_at_ms
FROM timed
ORDER BY session_id COLLATE pg_catalog."C", placed_at NULLS FIRST, index NULLS FIRST, created_at, id`;
}

function legacyRow(row: Readonly<Record<string, unknown>>): LegacyRow {
  const textOf = (name: string): string | null => {
    const value = row[name];
    return typeof value === "string" ? value : null;
  };
  return {
    sessionId: textOf("session_id"),
    userId: textOf("user_id"),
    memoryType: textOf("memory_type"),
    content: textOf("content"),
    metadata: textOf("metadata"),
    createdAtMs: Math.round(Number(row["created_at_ms"] ?? 0)),
  };
}

async function insertAtoms(client: Queryable, schema: string, atoms: readonly AtomRow[]): Promise<void> {
  const objects = atoms.map(
    (atom) =>
      `{"session_id":${JSON.stringify(atom.sessionId)},"id":"${atom.id}","user_id":${JSON.stringify(atom.userId)},"memory_type":${JSON.stringify(atom.memoryType)},"content":${atom.content},"metadata":${atom.metadata},"ms":${atom.createdAtMs}}`,
  );
  await client.query(
    `INSERT INTO ${tableNames(schema).memories} (session_id, id, user_id, memory_type, content, metadata, created_at)
     SELECT session_id, id, user_id, memory_type, COALESCE(content, 'null'), metadata, pg_catalog.to_timestamp(ms / 1000::double precision)
     FROM pg_catalog.json_to_recordset($1) AS atom (session_id pg_catalog.text, id pg_catalog.uuid, user_id pg_catalog.text, memory_type pg_catalog.text, content pg_catalog.jsonb,
       metadata pg_catalog.jsonb, ms double precision)`,
    [`[${objects.join(",")}]`],
  );
}

async function insertHeads(client: Queryable, schema: string, heads: readonly SessionHead[]): Promise<void> {
  const objects = heads.map((head) => ({
    ...head,
    idXor: bitsOfId(head.idXor),
    historyXor: bitsOfId(head.historyXor),
  }));
  await client.query(
    `INSERT INTO ${tableNames(schema).heads} (session_id, user_id, created_at, last_atom_id, recency, message_count, atom_count,
       deletion_count, id_xor, history_xor, metadata, metadata_ids)
     SELECT "sessionId", "userId", pg_catalog.to_timestamp("createdAtMs" / 1000::double precision), "lastAtomId", ${recencyOf('"lastAtomId"')},
       "messageCount", "atomCount", 0,
       "idXor"::bit(128), "historyXor"::bit(128), metadata::pg_catalog.jsonb, "metadataIds"::pg_catalog.jsonb
     FROM pg_catalog.json_to_recordset($1) AS head ("sessionId" pg_catalog.text, "userId" pg_catalog.text, "createdAtMs" double precision,
       "lastAtomId" pg_catalog.uuid, "messageCount" integer, "atomCount" integer, "idXor" pg_catalog.text, "historyXor" pg_catalog.text, metadata pg_catalog.text,
       "metadataIds" pg_catalog.text)`,
    [JSON.stringify(objects)],
  );
}
