/** SQL fragments shared by several functions. */
import { MESSAGE_TYPES, NIL_ID, SESSION_METADATA } from "@rivet/memory-core";
import { bitsOf, NO_OWNER, ownerOfUser, recencyOf, type TableNames } from "@rivet/postgres-schema";

// Constants of the core, never input: they stand in the text so that the planner can match them with the condition of
// the index on facts.
const MESSAGE_LIST = MESSAGE_TYPES.map((type) => `'${type}'`).join(", ");
export const IS_MESSAGE = `memory_type IN (${MESSAGE_LIST})`;
export const IS_FACT = `memory_type NOT IN (${MESSAGE_LIST})`;
export const IS_METADATA = `memory_type = '${SESSION_METADATA}'`;
export const IS_HISTORY = `memory_type IN (${MESSAGE_LIST}, '${SESSION_METADATA}')`;
export const NIL = `'${NIL_ID}'::uuid`;
/** After every UUID that there is: a bound that leaves nothing out. */
export const LAST_ID = "'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid";
/** The XOR of no ids. */
export const NO_BITS = "B'0'::bit(128)";
/** Stands in a hint for every other store. */
const ALL_STORES = "*";

/** Off by less than a microsecond. */
export const millisecondsOf = (time: string): string =>
  `pg_catalog.date_part('epoch', ${time}) * 1000::double precision`;
/** Days and the rest apart: each is exact, also for times of other millennia. */
export const timeOf = (ms: string): string =>
  `(timestamp '1970-01-01' + pg_catalog.make_interval(days => (${ms} / 86400000)::integer, secs => (${ms} % 86400000::bigint)::numeric / 1000.0)) AT TIME ZONE 'UTC'`;

/** The atoms that a function is given: without session and user where they all are of one. */
export const GIVEN_ATOMS = `pg_catalog.json_to_recordset(atoms) AS atom (session_id text, id uuid, user_id text, memory_type text, content text,
      metadata text, created_at_ms bigint, expires_at_ms bigint)`;
/** Their columns after the ids and the user, as they are stored. */
export const GIVEN_VALUES = `memory_type, content::jsonb, metadata::jsonb, ${timeOf("created_at_ms")}, ${timeOf("expires_at_ms")}`;
/** The ids of inserted rows, and whether session metadata is among them. */
export const WRITTEN = `COALESCE(pg_catalog.array_agg(id), '{}') AS ids, COALESCE(pg_catalog.bool_or(${IS_METADATA}), false) AS has_metadata`;
/** The values that inserted rows add to a head. */
export const ADDED_TO_HEAD = `pg_catalog.min(created_at) AS created_at, pg_catalog.max(id::text COLLATE "C")::uuid AS last_id,
      pg_catalog.count(*) FILTER (WHERE ${IS_MESSAGE}) AS messages, pg_catalog.count(*) AS atoms, COALESCE(pg_catalog.bit_xor(${bitsOf("id")}), ${NO_BITS}) AS id_xor,
      COALESCE(pg_catalog.bit_xor(${bitsOf("id")}) FILTER (WHERE ${IS_HISTORY}), ${NO_BITS}) AS history_xor`;

/** Adds these to the head that an UPDATE names `head`, but for when the session was created. */
export const addToHead = (added: string): string => `last_atom_id = GREATEST(head.last_atom_id, ${added}.last_id),
      recency = GREATEST(head.recency, ${recencyOf(`${added}.last_id`)}), message_count = head.message_count + ${added}.messages,
      atom_count = head.atom_count + ${added}.atoms, id_xor = head.id_xor # ${added}.id_xor,
      history_xor = head.history_xor # ${added}.history_xor`;

/** Set for the length of one of our functions; whoever comes over REST cannot set it. */
const WRITING = "rivet_memory.writing";
export const WRITING_IS_SET = `pg_catalog.current_setting('${WRITING}', true) = 'yes'`;
/** The same, asked once a statement and not for each row. */
export const IS_WRITING = `(SELECT ${WRITING_IS_SET})`;
export const setWriting = (isWriting: boolean): string =>
  `PERFORM pg_catalog.set_config('${WRITING}', '${isWriting ? "yes" : ""}', true);`;

/** Leaves a hint for each row of a source, which gives `session_id` and `id`, where other stores are known. */
export function leaveHints({ hints, peers }: TableNames, source: string, isTombstone: boolean): string {
  return `INSERT INTO ${hints} (target, session_id, id, is_tombstone)
    SELECT '${ALL_STORES}', session_id, id, ${isTombstone} FROM ${source} WHERE EXISTS (SELECT FROM ${peers})
    ON CONFLICT DO NOTHING`;
}

/** Whether a tombstone's owner is that of a user, or concerns everybody. */
export const isConcerned = (owner: string, userId: string): string =>
  `(${owner} = ${ownerOfUser(userId)} OR ${owner} = ${NO_OWNER})`;

/** The columns of a head without atoms, beside its user: the session stays theirs. */
export const EMPTY_HEAD = `created_at = 'infinity', last_atom_id = ${NIL}, recency = ${recencyOf(NIL)}, message_count = 0, atom_count = 0, id_xor = ${NO_BITS},
    history_xor = ${NO_BITS}, metadata = '{}', metadata_ids = '{}'`;

interface FunctionOptions {
  /** Whether it only reads, and sees one moment. Default: false. */
  readonly isReading?: boolean;
  /** Whether it may take longer than the project lets requests take. Default: false. */
  readonly isSlow?: boolean;
  /** Whether it runs with the rights of the tables' owner. Default: with those of whoever calls it. */
  readonly isDefiner?: boolean;
}

/** A function in PL/pgSQL, whose plans stay in the connection. */
export function plpgsql(
  signature: string,
  returns: string,
  body: string,
  { isReading = false, isSlow = false, isDefiner = false }: FunctionOptions = {},
): string {
  const settings = [
    ...(isReading ? ["STABLE"] : []),
    isDefiner ? "SECURITY DEFINER" : "SECURITY INVOKER",
    "SET search_path = pg_catalog, pg_temp",
    ...(isSlow ? ["SET statement_timeout = '55s'"] : []),
  ];
  return `CREATE OR REPLACE FUNCTION ${signature} RETURNS ${returns}
LANGUAGE plpgsql ${settings.join(" ")} AS $rivet$
#variable_conflict use_column
${body.trim()}
$rivet$`;
}
