/**
 * The functions that read. Each gives a page as one JSON value, which the row cap of a project does not cut, and says
 * whether there is more; texts of JSON stand in it as strings, so that nobody parses them on the way.
 */
import { tableNames } from "@rivet/postgres-schema";
import { idOf, IS_FACT, IS_MESSAGE, LAST_ID, millisecondsOf, NIL, plpgsql } from "./fragments.ts";

const PAGE_ROWS = 1_000;
/** As they are stored, which may be a tenth of what they are as text. */
const PAGE_BYTES = 2 * 1024 * 1024;

export function readFunctions(schema: string): string[] {
  return [selectAtoms(schema), selectSession(schema), selectHeads(schema), selectTombstones(schema)];
}

/**
 * A page of a query that gives one row more than a page has: as much of it as fits, but at least one row.
 *
 * @param columns of a row, in the order in which they are sent.
 * @param isWhole a condition under which all of it fits.
 */
function page(query: string, columns: string, order: string, isWhole = "false"): string {
  return `
  WITH page AS (${query}), sized AS (
    SELECT *, row_number() OVER ordered AS position,
      sum(pg_column_size(content) + pg_column_size(metadata)) OVER ordered - pg_column_size(content) - pg_column_size(metadata) AS bytes_before
    FROM page WINDOW ordered AS (ORDER BY ${order} ROWS UNBOUNDED PRECEDING)
  ), kept AS (
    SELECT json_build_array(${columns}) AS entry, position FROM sized
    WHERE ${isWhole} OR position <= ${PAGE_ROWS} AND bytes_before < ${PAGE_BYTES}
  )
  SELECT COALESCE(json_agg(entry ORDER BY position), '[]') AS entries, (SELECT count(*) FROM page) > count(*) AS more
  FROM kept`;
}

const ATOM = `session_id, id, user_id, memory_type, content::text, metadata::text, ${millisecondsOf("created_at")}`;
const MESSAGE = `id, memory_type, content::text, metadata::text, ${millisecondsOf("created_at")}`;
const HEAD = `session_id, user_id, ${millisecondsOf("created_at")}, last_atom_id, message_count, atom_count,
      ${idOf("id_xor")}, ${idOf("history_xor")}, metadata::text, metadata_ids::text`;

function selectAtoms(schema: string): string {
  const { schema: place, memories } = tableNames(schema);
  const least = `SELECT memory_type FROM ${memories} WHERE user_id = $3`;
  return `-- A page of atoms. Where an index leads by memory type, each type gives its own page, and the pages are merged: the cost
-- is that of a page a type, however many atoms there are.
${plpgsql(
  `${place}.rivet_select_atoms(given_session_id text, given_user_id text, memory_types text[], ids uuid[], after_id uuid,
  before_id uuid, is_newest_first boolean, row_limit integer)`,
  "json",
  `
DECLARE
  direction constant text := CASE WHEN is_newest_first THEN 'DESC' ELSE 'ASC' END;
  rows_wanted constant integer := LEAST(row_limit, ${PAGE_ROWS} + 1);
  source text := format('SELECT * FROM ${memories} WHERE id > $1 AND id < $2 %s %s %s',
    CASE WHEN given_session_id IS NOT NULL THEN 'AND session_id = $4' END,
    CASE WHEN given_user_id IS NOT NULL THEN 'AND user_id = $3' END,
    CASE WHEN ids IS NOT NULL THEN 'AND id = ANY ($5)' END);
  ending constant text := format(' ORDER BY id %s LIMIT $7', direction);
  types text;
  found record;
BEGIN
  IF memory_types IS NOT NULL THEN
    types := 'WITH type (name) AS (SELECT DISTINCT * FROM unnest($6))';
  ELSIF given_session_id IS NULL AND given_user_id IS NOT NULL THEN
    -- Each type that the user has is found by one step in the index.
    types := 'WITH RECURSIVE type (name) AS (
      (${least} ORDER BY memory_type LIMIT 1)
      UNION ALL
      SELECT (${least} AND memory_type > type.name ORDER BY memory_type LIMIT 1) FROM type WHERE type.name IS NOT NULL
    )';
  END IF;
  IF types IS NOT NULL THEN
    source := types || ' SELECT page.* FROM type CROSS JOIN LATERAL (' || source || ' AND memory_type = type.name'
      || CASE WHEN given_session_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM unnest(memory_types) AS type (memory_type) WHERE ${IS_MESSAGE}
      ) THEN ' AND ${IS_FACT.replaceAll("'", "''")}' ELSE '' END || ending || ') AS page';
  END IF;
  EXECUTE format($page$${page("%s", ATOM, "id %s")}$page$, source || ending, direction)
  INTO found
  USING COALESCE(after_id, ${NIL}), COALESCE(before_id, ${LAST_ID}), given_user_id, given_session_id, ids, memory_types, rows_wanted;
  RETURN json_build_object('entries', found.entries, 'more', found.more);
END`,
  { isReading: true },
)}`;
}

function selectSession(schema: string): string {
  const { schema: place, heads, memories } = tableNames(schema);
  const messages = (bound: string, direction: "ASC" | "DESC"): string =>
    page(
      `
    SELECT id, memory_type, content, metadata, created_at FROM ${memories}
    WHERE session_id = given_session_id AND ${IS_MESSAGE} AND ${bound}
    ORDER BY id ${direction} LIMIT CASE WHEN is_whole THEN last_messages ELSE LEAST(last_messages, ${PAGE_ROWS} + 1) END`,
      MESSAGE,
      `id ${direction}`,
      "is_whole",
    );
  return `-- A session with a page of its messages, as of one moment; null when there is none. With last_messages they come newest
-- first, so many at most, and before the cursor; without, oldest first, from an id on, and after the cursor.
${plpgsql(
  `${place}.rivet_select_session(given_session_id text, given_user_id text, from_id uuid, last_messages integer,
  cursor_id uuid, is_whole boolean)`,
  "json",
  `
DECLARE
  head json := (
    SELECT json_build_array(${HEAD}) FROM ${heads}
    WHERE session_id = given_session_id AND atom_count > 0 AND (given_user_id IS NULL OR user_id = given_user_id)
  );
  messages record;
BEGIN
  IF head IS NULL THEN
    RETURN NULL;
  END IF;
  IF last_messages IS NULL THEN
    SELECT * INTO messages FROM (${messages(`id >= COALESCE(from_id, ${NIL}) AND id > COALESCE(cursor_id, ${NIL})`, "ASC")}) AS page;
  ELSE
    SELECT * INTO messages FROM (${messages(`id < COALESCE(cursor_id, ${LAST_ID})`, "DESC")}) AS page;
  END IF;
  RETURN json_build_object('head', head, 'entries', messages.entries, 'more', messages.more);
END`,
  { isReading: true },
)}`;
}

function selectHeads(schema: string): string {
  const { schema: place, heads } = tableNames(schema);
  return `-- A page of sessions: most recent first and before an atom id, or by session id and after one.
${plpgsql(
  `${place}.rivet_select_heads(given_user_id text, before_id uuid, after_session_id text, row_limit integer)`,
  "json",
  `
DECLARE
  ordering constant text := CASE WHEN after_session_id IS NULL THEN 'last_atom_id DESC' ELSE 'session_id' END;
  found record;
BEGIN
  EXECUTE format($page$${page(`SELECT *, metadata_ids AS content FROM ${heads} WHERE atom_count > 0 %s %s ORDER BY %s LIMIT $4`, HEAD, "%s")}$page$,
    CASE WHEN after_session_id IS NULL THEN 'AND last_atom_id < $1' ELSE 'AND session_id > $2' END,
    CASE WHEN given_user_id IS NOT NULL THEN 'AND user_id = $3' END, ordering, ordering)
  INTO found
  USING COALESCE(before_id, ${LAST_ID}), after_session_id, given_user_id, LEAST(row_limit, ${PAGE_ROWS} + 1);
  RETURN json_build_object('entries', found.entries, 'more', found.more);
END`,
  { isReading: true },
)}`;
}

function selectTombstones(schema: string): string {
  const { schema: place, tombstones } = tableNames(schema);
  return `-- A page of tombstones, in the order of their keys and after one.
${plpgsql(
  `${place}.rivet_select_tombstones(given_session_id text, after_session_id text, after_id uuid, row_limit integer)`,
  "json",
  `
DECLARE
  found record;
BEGIN
  EXECUTE format('
    SELECT COALESCE(json_agg(json_build_array(session_id, id, ${millisecondsOf("deleted_at")}) ORDER BY session_id, id), ''[]'') AS entries
    FROM (SELECT * FROM ${tombstones} WHERE %s (session_id, id) > ($2, $3) ORDER BY session_id, id LIMIT $4) AS page',
    CASE WHEN given_session_id IS NOT NULL THEN 'session_id = $1 AND' END)
  INTO found
  USING given_session_id, COALESCE(after_session_id, ''), COALESCE(after_id, ${NIL}), LEAST(row_limit, ${PAGE_ROWS});
  RETURN json_build_object('entries', found.entries, 'more', json_array_length(found.entries) = ${PAGE_ROWS} AND row_limit > ${PAGE_ROWS});
END`,
  { isReading: true },
)}`;
}
