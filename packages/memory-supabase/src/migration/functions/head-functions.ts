/** The functions that maintain heads. */
import { recencyOf } from "@rivet/postgres-schema";
import { namesOf } from "../names.ts";
import { IS_HEAD_OUTSIZED } from "../bounds.ts";
import { raise, REFUSALS } from "../refusals.ts";
import { IS_FACT, IS_METADATA, NIL, NO_BITS, plpgsql } from "../fragments.ts";

export function headFunctions(schema: string): string[] {
  return [lockHeads(schema), applyMetadata(schema)];
}

function lockHeads(schema: string): string {
  const { schema: place, heads } = namesOf(schema);
  const lock = `ARRAY(
    SELECT session_id FROM ${heads} WHERE session_id = ANY (session_ids) ORDER BY session_id FOR UPDATE
  )`;
  return `-- Locks the heads of sessions, those too that are not there yet, in the order in which everybody does. Gives those that
-- the caller may write to.
${plpgsql(
  `${place}.rivet_lock_heads(session_ids text[])`,
  "text[]",
  `
DECLARE
  locked text[] := ${lock};
BEGIN
  IF pg_catalog.cardinality(locked) = pg_catalog.cardinality(session_ids) THEN
    RETURN locked;
  END IF;
  INSERT INTO ${heads} (session_id, user_id, created_at, last_atom_id, recency, message_count, atom_count, deletion_count,
    id_xor, history_xor, metadata, metadata_ids)
  SELECT session_id, '', pg_catalog.now(), ${NIL}, ${recencyOf(NIL)}, 0, 0, 0, ${NO_BITS}, ${NO_BITS}, '{}', '{}'
  FROM pg_catalog.unnest(session_ids) AS given (session_id) ORDER BY session_id COLLATE "C"
  ON CONFLICT DO NOTHING;
  RETURN ${lock};
END`,
)}`;
}

function applyMetadata(schema: string): string {
  const { schema: place, heads, memories } = namesOf(schema);
  const isNewer = `id::text COLLATE "C" >= COALESCE(head.metadata_ids ->> key, '')`;
  return `-- Folds changes of session metadata, those of the ids or all, into the heads: for each key the greatest id wins.
${plpgsql(
  `${place}.rivet_apply_metadata(session_ids text[], atom_ids uuid[])`,
  "void",
  `
DECLARE
  outsized text;
BEGIN
  UPDATE ${heads} AS head SET
    metadata = (head.metadata - folded.keys) || folded.entries,
    metadata_ids = head.metadata_ids || folded.ids
  FROM (
    SELECT session_id, pg_catalog.array_agg(key) AS keys, pg_catalog.jsonb_object_agg(key, id) AS ids,
      COALESCE(pg_catalog.jsonb_object_agg(key, value) FILTER (WHERE is_set), '{}') AS entries
    FROM (
      SELECT DISTINCT ON (session_id, key) session_id, key, id, value, is_set
      FROM (
        -- A damaged change decides nothing.
        SELECT session_id, id, CASE WHEN pg_catalog.jsonb_typeof(content -> 'set') = 'object'
          AND pg_catalog.jsonb_typeof(content -> 'removed') = 'array'
          AND NOT pg_catalog.jsonb_path_exists(content, '$.removed[*] ? (@.type() != "string")') THEN content END AS content
        FROM ${memories}
        WHERE session_id = ANY (session_ids) AND ${IS_METADATA} AND ${IS_FACT}
          AND (atom_ids IS NULL OR id = ANY (atom_ids))
      ) AS change
      CROSS JOIN LATERAL (
        SELECT key, value, true AS is_set FROM pg_catalog.jsonb_each(content -> 'set')
        UNION ALL
        SELECT key, NULL, false FROM pg_catalog.jsonb_array_elements_text(content -> 'removed') AS removed (key)
      ) AS entry
      ORDER BY session_id, key, id DESC, is_set DESC
    ) AS winner
    JOIN ${heads} AS head USING (session_id)
    WHERE ${isNewer}
    GROUP BY session_id
  ) AS folded
  WHERE head.session_id = folded.session_id;
  -- Every list of sessions reads it.
  SELECT session_id INTO outsized FROM ${heads} WHERE session_id = ANY (session_ids) AND ${IS_HEAD_OUTSIZED} LIMIT 1;
  IF FOUND THEN
    ${raise(REFUSALS.bounds, "the metadata of the session are out of bounds", "outsized")}
  END IF;
END`,
)}`;
}
