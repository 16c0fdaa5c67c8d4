/**
 * The functions that read. Each gives a page as one JSON value, which the row cap of a project does not cut, and says
 * whether there is more. A page is a list of columns, which takes PostgreSQL 2.8 ms for 1,000 messages where a list of
 * rows took 3.6 ms; texts of JSON stand in it as strings, so that nobody parses them on the way.
 */
import { idOf, ownerFromText, ownerText, recencyOf } from "@rivet/postgres-schema";
import { namesOf } from "../names.ts";
import { IS_FACT, IS_MESSAGE, LAST_ID, millisecondsOf, NIL, plpgsql, timeOf } from "../fragments.ts";

const PAGE_ROWS = 1_000;
/** As they are stored, which may be a tenth of what they are as text. */
const PAGE_BYTES = 2 * 1024 * 1024;

export function readFunctions(schema: string): string[] {
  return [
    rowsThatFit(schema),
    selectAtoms(schema),
    selectExpired(schema),
    selectSession(schema),
    selectHeads(schema),
    selectTombstones(schema),
  ];
}

const SIZE = "pg_catalog.pg_column_size(content) + pg_catalog.pg_column_size(metadata)";
const MESSAGE = ["id", "memory_type", "content::text", "metadata::text", millisecondsOf("created_at")];
const ATOM = ["session_id", "user_id", millisecondsOf("expires_at"), ...MESSAGE];
const HEAD = [
  "session_id",
  "user_id",
  millisecondsOf("created_at"),
  "last_atom_id",
  "message_count",
  "atom_count",
  idOf("id_xor"),
  idOf("history_xor"),
  "metadata::text",
  // The other text of a head, in the place of an atom's: pages know one pair of columns.
  "content::text",
];

/** One JSON array for each column. */
function columnsOf(expressions: readonly string[], order: string): string {
  const lists = expressions.map((expression) => `COALESCE(pg_catalog.json_agg(${expression} ORDER BY ${order}), '[]')`);
  return `pg_catalog.json_build_array(${lists.join(",\n      ")})`;
}

function rowsThatFit(schema: string): string {
  const { schema: place } = namesOf(schema);
  return `-- How many rows of these sizes a page takes, one at least.
${plpgsql(
  `${place}.rivet_rows_that_fit(sizes integer[])`,
  "integer",
  `
DECLARE
  bytes bigint := 0;
BEGIN
  FOR position IN 1 .. LEAST(pg_catalog.cardinality(sizes), ${PAGE_ROWS}) LOOP
    IF bytes >= ${PAGE_BYTES} THEN
      RETURN position - 1;
    END IF;
    bytes := bytes + sizes[position];
  END LOOP;
  RETURN LEAST(pg_catalog.cardinality(sizes), ${PAGE_ROWS});
END`,
  { isReading: true },
)}`;
}

function selectAtoms(schema: string): string {
  const { schema: place, memories } = namesOf(schema);
  const typesThat = (condition: string): string =>
    `ARRAY(SELECT DISTINCT memory_type FROM pg_catalog.unnest(memory_types) AS type (memory_type) WHERE ${condition})`;
  return `-- As it was before atoms expired: what calls it finds the one below.
DROP FUNCTION IF EXISTS ${place}.rivet_select_atoms(text, text, text[], uuid[], uuid, uuid, boolean, integer);

-- A page of atoms. An index leads by the types of facts: each gives its own page, and the pages are merged. Messages are
-- read in the order of their ids, whatever their type.
${plpgsql(
  `${place}.rivet_select_atoms(given_session_id text, given_user_id text, memory_types text[], ids uuid[], after_id uuid,
  before_id uuid, is_newest_first boolean, row_limit integer, unexpired_at_ms bigint DEFAULT NULL,
  created_before_ms bigint DEFAULT NULL)`,
  "json",
  `
DECLARE
  ending constant text := pg_catalog.format(' ORDER BY id %s LIMIT $7', CASE WHEN is_newest_first THEN 'DESC' ELSE 'ASC' END);
  source text := pg_catalog.format('SELECT * FROM ${memories} WHERE id > $1 AND id < $2 %s %s %s %s %s',
    CASE WHEN unexpired_at_ms IS NOT NULL THEN 'AND (expires_at IS NULL OR expires_at > $9)' END,
    CASE WHEN created_before_ms IS NOT NULL THEN 'AND created_at < $10' END,
    CASE WHEN given_session_id IS NOT NULL THEN 'AND session_id = $4' END,
    CASE WHEN given_user_id IS NOT NULL THEN 'AND user_id = $3' END,
    CASE WHEN ids IS NOT NULL THEN 'AND id = ANY ($5)' END);
  facts constant text[] := ${typesThat(IS_FACT)};
  messages constant text[] := ${typesThat(IS_MESSAGE)};
  pages text[] := '{}';
  first_id constant uuid := COALESCE(after_id, ${NIL});
  last_id constant uuid := COALESCE(before_id, ${LAST_ID});
  unexpired_at constant timestamptz := ${timeOf("unexpired_at_ms")};
  created_before constant timestamptz := ${timeOf("created_before_ms")};
  sizes integer[];
  fitting integer;
  columns json;
BEGIN
  IF facts <> '{}' THEN
    pages := pages || pg_catalog.format('SELECT page.* FROM pg_catalog.unnest($6) AS type (name) CROSS JOIN LATERAL (%s AND memory_type = type.name
      AND ${IS_FACT.replaceAll("'", "''")} %s) AS page %s', source, ending, ending);
  END IF;
  IF facts = '{}' OR messages <> '{}' THEN
    pages := pages || pg_catalog.format('%s AND memory_type = ANY ($8) AND ${IS_MESSAGE.replaceAll("'", "''")} %s', source, ending);
  END IF;
  IF memory_types IS NOT NULL THEN
    source := pg_catalog.format('SELECT * FROM ((%s)) AS page', pg_catalog.array_to_string(pages, ') UNION ALL ('));
  END IF;
  EXECUTE 'SELECT ARRAY(SELECT ${SIZE} FROM (' || source || ending || ') AS page)' INTO sizes
  USING first_id, last_id, given_user_id, given_session_id, ids, facts, LEAST(row_limit, ${PAGE_ROWS} + 1), messages,
    unexpired_at, created_before;
  fitting := ${place}.rivet_rows_that_fit(sizes);
  EXECUTE pg_catalog.format($page$SELECT ${columnsOf(ATOM, "id %1$s")} FROM (%2$s) AS page$page$,
    CASE WHEN is_newest_first THEN 'DESC' ELSE 'ASC' END, source || ending) INTO columns
  USING first_id, last_id, given_user_id, given_session_id, ids, facts, fitting, messages, unexpired_at, created_before;
  RETURN pg_catalog.json_build_object('columns', columns, 'more', fitting < pg_catalog.cardinality(sizes));
END`,
  { isReading: true },
)}`;
}

function selectExpired(schema: string): string {
  const { schema: place, memories } = namesOf(schema);
  const expired = ["session_id", "id", "memory_type", millisecondsOf("expires_at")];
  return `-- A page of atoms that have expired, those that did first in front, and after one.
${plpgsql(
  `${place}.rivet_select_expired(at_ms bigint, given_user_id text, given_session_id text, after_expires_at_ms bigint,
  after_session_id text, after_id uuid, row_limit integer)`,
  "json",
  `
DECLARE
  columns json;
BEGIN
  EXECUTE pg_catalog.format($page$SELECT ${columnsOf(expired, "expires_at, session_id, id")}
    FROM (
      SELECT * FROM ${memories} WHERE expires_at <= $1 %s %s %s ORDER BY expires_at, session_id, id LIMIT $7
    ) AS page$page$,
    CASE WHEN after_id IS NOT NULL THEN 'AND (expires_at, session_id, id) > ($2, $3, $4)' END,
    CASE WHEN given_user_id IS NOT NULL THEN 'AND user_id = $5' END,
    CASE WHEN given_session_id IS NOT NULL THEN 'AND session_id = $6' END)
  INTO columns
  USING ${timeOf("at_ms")}, ${timeOf("after_expires_at_ms")}, after_session_id, after_id, given_user_id, given_session_id,
    LEAST(row_limit, ${PAGE_ROWS});
  RETURN pg_catalog.json_build_object('columns', columns, 'more', row_limit > ${PAGE_ROWS} AND pg_catalog.json_array_length(columns -> 0) = ${PAGE_ROWS});
END`,
  { isReading: true },
)}`;
}

function selectSession(schema: string): string {
  const { schema: place, heads, memories } = namesOf(schema);
  const messages = (bound: string, direction: "ASC" | "DESC"): string => {
    const page = (columns: string, limit: string): string => `SELECT ${columns} FROM ${memories}
      WHERE session_id = given_session_id AND ${IS_MESSAGE} AND ${bound}
      ORDER BY id ${direction} LIMIT ${limit}`;
    return `
    IF is_whole THEN
      fitting := last_messages;
    ELSE
      sizes := ARRAY(${page(SIZE, `LEAST(last_messages, ${PAGE_ROWS} + 1)`)});
      fitting := ${place}.rivet_rows_that_fit(sizes);
    END IF;
    SELECT ${columnsOf(MESSAGE, `id ${direction}`)} INTO columns FROM (
      ${page("id, memory_type, content, metadata, created_at", "fitting")}
    ) AS page;`;
  };
  return `-- A session with a page of its messages, as of one moment; null when there is none. With last_messages they come newest
-- first, so many at most, and before the cursor; without, oldest first, from an id on, and after the cursor. The first page of
-- what is not all has besides, in leading, the system messages that stand before the first other one.
${plpgsql(
  `${place}.rivet_select_session(given_session_id text, given_user_id text, from_id uuid, last_messages integer,
  cursor_id uuid, is_whole boolean)`,
  "json",
  `
DECLARE
  head json := (
    SELECT pg_catalog.json_build_array(${HEAD.join(", ")}) FROM (SELECT *, metadata_ids AS content FROM ${heads}) AS head
    WHERE session_id = given_session_id AND atom_count > 0 AND (given_user_id IS NULL OR user_id = given_user_id)
  );
  first_id constant uuid := COALESCE(from_id, ${NIL});
  after_id constant uuid := COALESCE(cursor_id, ${NIL});
  before_id constant uuid := COALESCE(cursor_id, ${LAST_ID});
  sizes integer[] := '{}';
  fitting integer;
  columns json;
  opening json;
BEGIN
  IF head IS NULL THEN
    RETURN NULL;
  END IF;
  IF cursor_id IS NULL AND (last_messages IS NOT NULL OR from_id IS NOT NULL) THEN
    SELECT ${columnsOf(MESSAGE, "id")} INTO opening FROM (
      SELECT id, memory_type, content, metadata, created_at FROM ${memories}
      WHERE session_id = given_session_id AND memory_type = 'message_system' AND id < COALESCE(from_id, ${LAST_ID})
        AND id < COALESCE((
          SELECT id FROM ${memories}
          WHERE session_id = given_session_id AND ${IS_MESSAGE} AND memory_type <> 'message_system' ORDER BY id LIMIT 1
        ), ${LAST_ID})
    ) AS page;
  END IF;
  IF last_messages IS NULL THEN${messages("id >= first_id AND id > after_id", "ASC")}
  ELSE${messages("id < before_id", "DESC")}
  END IF;
  RETURN pg_catalog.json_build_object('head', head, 'leading', opening, 'columns', columns, 'more', COALESCE(fitting < pg_catalog.cardinality(sizes), false));
END`,
  { isReading: true },
)}`;
}

function selectHeads(schema: string): string {
  const { schema: place, heads } = namesOf(schema);
  // In one statement, so that what is not in the order of an index is sorted once. Atoms are, and are read twice: their
  // pages are larger, and keeping one took longer.
  return `-- A page of sessions: most recent first and before an atom id, or by session id and after one.
${plpgsql(
  `${place}.rivet_select_heads(given_user_id text, before_id uuid, after_session_id text, row_limit integer)`,
  "json",
  `
DECLARE
  ordering constant text := CASE WHEN after_session_id IS NULL THEN 'recency DESC, last_atom_id DESC' ELSE 'session_id' END;
  source constant text := pg_catalog.format('SELECT *, metadata_ids AS content FROM ${heads} WHERE atom_count > 0 AND %s %s ORDER BY %s LIMIT $4',
    CASE WHEN after_session_id IS NULL THEN 'recency <= ${recencyOf("$1")} AND last_atom_id < $1' ELSE 'session_id > $2' END,
    CASE WHEN given_user_id IS NOT NULL THEN 'AND user_id = $3' END, ordering);
  last_id constant uuid := COALESCE(before_id, ${LAST_ID});
  page json;
BEGIN
  EXECUTE pg_catalog.format($page$
    WITH found AS MATERIALIZED (%2$s),
    sized (sizes) AS MATERIALIZED (SELECT ARRAY(SELECT ${SIZE} FROM found)),
    fitting (rows) AS MATERIALIZED (SELECT ${place}.rivet_rows_that_fit(sizes) FROM sized)
    SELECT pg_catalog.json_build_object(
      'columns', (SELECT ${columnsOf(HEAD, "%1$s")} FROM (SELECT * FROM found LIMIT (SELECT rows FROM fitting)) AS page),
      'more', (SELECT rows < pg_catalog.cardinality(sizes) FROM fitting, sized)
    )$page$, ordering, source) INTO page
  USING last_id, after_session_id, given_user_id, LEAST(row_limit, ${PAGE_ROWS} + 1);
  RETURN page;
END`,
  { isReading: true },
)}`;
}

function selectTombstones(schema: string): string {
  const { schema: place, tombstones } = namesOf(schema);
  const tombstone = ["session_id", "id", ownerText("owner"), millisecondsOf("deleted_at")];
  return `DROP FUNCTION IF EXISTS ${place}.rivet_select_tombstones(text, text, uuid, integer);

-- A page of tombstones, in the order of their keys and after one.
${plpgsql(
  `${place}.rivet_select_tombstones(given_session_id text, after_session_id text, after_id uuid, after_owner text, row_limit integer)`,
  "json",
  `
DECLARE
  columns json;
BEGIN
  EXECUTE pg_catalog.format($page$SELECT ${columnsOf(tombstone, "session_id, id, owner")}
    FROM (
      SELECT * FROM ${tombstones} WHERE %s (session_id, id, owner) > ($2, $3, $5) ORDER BY session_id, id, owner LIMIT $4
    ) AS page$page$, CASE WHEN given_session_id IS NOT NULL THEN 'session_id = $1 AND' END)
  INTO columns
  USING given_session_id, COALESCE(after_session_id, ''), COALESCE(after_id, ${NIL}), LEAST(row_limit, ${PAGE_ROWS}),
    ${ownerFromText("COALESCE(after_owner, '')")};
  RETURN pg_catalog.json_build_object('columns', columns, 'more', row_limit > ${PAGE_ROWS} AND pg_catalog.json_array_length(columns -> 0) = ${PAGE_ROWS});
END`,
  { isReading: true },
)}`;
}
