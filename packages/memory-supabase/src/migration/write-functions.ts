/** The functions that write. Each is one request, and all of it happens or nothing. */
import { recencyOf, tableNames } from "@rivet/postgres-schema";
import {
  bitsOf,
  EMPTY_HEAD,
  leaveHints,
  idOf,
  IS_FACT,
  IS_HISTORY,
  IS_MESSAGE,
  IS_METADATA,
  IS_WRITING,
  NIL,
  NO_BITS,
  plpgsql,
  setWriting,
  timeOf,
} from "./fragments.ts";

/** SQLSTATEs of ours, in a class that no standard uses; `errors.ts` has what they mean. */
export const REFUSALS = { conflict: "RM001", foreign: "RM002", deleted: "RM003", changed: "RM004" } as const;

export function writeFunctions(schema: string): string[] {
  return [
    lockHeads(schema),
    deletedSessions(schema),
    applyMetadata(schema),
    buryAtoms(schema),
    burySessions(schema),
    writeAtoms(schema),
    deleteAtoms(schema),
  ];
}

const raise = (code: string, message: string, sessionId: string, id?: string): string =>
  `RAISE EXCEPTION USING ERRCODE = '${code}', MESSAGE = '${message}', DETAIL = json_build_object('sessionId', ${sessionId}${id === undefined ? "" : `, 'id', ${id}`})::text;`;

function lockHeads(schema: string): string {
  const { schema: place, heads } = tableNames(schema);
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
  IF cardinality(locked) = cardinality(session_ids) THEN
    RETURN locked;
  END IF;
  INSERT INTO ${heads} (session_id, user_id, created_at, last_atom_id, recency, message_count, atom_count, deletion_count,
    id_xor, history_xor, metadata, metadata_ids)
  SELECT session_id, '', now(), ${NIL}, ${recencyOf(NIL)}, 0, 0, 0, ${NO_BITS}, ${NO_BITS}, '{}', '{}'
  FROM unnest(session_ids) AS given (session_id) ORDER BY session_id COLLATE "C"
  ON CONFLICT DO NOTHING;
  RETURN ${lock};
END`,
)}`;
}

function deletedSessions(schema: string): string {
  const { schema: place, tombstones } = tableNames(schema);
  return `-- Those of the sessions that were deleted, whoever owned them: their ids are never used again. It looks past the
-- policies, and answers only to the functions that write.
${plpgsql(
  `${place}.rivet_deleted_sessions(session_ids text[])`,
  "text[]",
  `
BEGIN
  RETURN ARRAY(SELECT session_id FROM ${tombstones} WHERE session_id = ANY (session_ids) AND id = ${NIL} AND ${IS_WRITING});
END`,
  { isDefiner: true },
)}`;
}

function applyMetadata(schema: string): string {
  const { schema: place, heads, memories } = tableNames(schema);
  const isNewer = `id::text COLLATE "C" >= COALESCE(head.metadata_ids ->> key, '')`;
  return `-- Folds changes of session metadata, those of the ids or all, into the heads: for each key the greatest id wins.
${plpgsql(
  `${place}.rivet_apply_metadata(session_ids text[], atom_ids uuid[])`,
  "void",
  `
BEGIN
  UPDATE ${heads} AS head SET
    metadata = (head.metadata - folded.keys) || folded.entries,
    metadata_ids = head.metadata_ids || folded.ids
  FROM (
    SELECT session_id, array_agg(key) AS keys, jsonb_object_agg(key, id) AS ids,
      COALESCE(jsonb_object_agg(key, value) FILTER (WHERE is_set), '{}') AS entries
    FROM (
      SELECT DISTINCT ON (session_id, key) session_id, key, id, value, is_set
      FROM (
        -- A damaged change decides nothing.
        SELECT session_id, id, CASE WHEN jsonb_typeof(content -> 'set') = 'object'
          AND jsonb_typeof(content -> 'removed') = 'array'
          AND NOT jsonb_path_exists(content, '$.removed[*] ? (@.type() != "string")') THEN content END AS content
        FROM ${memories}
        WHERE session_id = ANY (session_ids) AND ${IS_METADATA} AND ${IS_FACT}
          AND (atom_ids IS NULL OR id = ANY (atom_ids))
      ) AS change
      CROSS JOIN LATERAL (
        SELECT key, value, true AS is_set FROM jsonb_each(content -> 'set')
        UNION ALL
        SELECT key, NULL, false FROM jsonb_array_elements_text(content -> 'removed') AS removed (key)
      ) AS entry
      ORDER BY session_id, key, id DESC, is_set DESC
    ) AS winner
    JOIN ${heads} AS head USING (session_id)
    WHERE ${isNewer}
    GROUP BY session_id
  ) AS folded
  WHERE head.session_id = folded.session_id;
END`,
)}`;
}

function buryAtoms(schema: string): string {
  const { schema: place, heads, memories, tombstones } = tableNames(schema);
  return `-- Deletes atoms of a session whose head is locked, leaves a tombstone for each id, there or not, and writes the head that
-- follows. Gives how many were there.
${plpgsql(
  `${place}.rivet_bury_atoms(given_session_id text, ids uuid[], times timestamptz[])`,
  "integer",
  `
DECLARE
  gone record;
  last_id uuid;
BEGIN
  WITH buried AS (
    INSERT INTO ${tombstones} (session_id, id, deleted_at)
    SELECT given_session_id, id, COALESCE(deleted_at, now()) FROM unnest(ids, times) AS given (id, deleted_at)
    ORDER BY id ON CONFLICT DO NOTHING RETURNING session_id, id
  ), hinted AS (
    ${leaveHints(tableNames(schema), "buried", true)}
  ), deleted AS (
    DELETE FROM ${memories} WHERE session_id = given_session_id AND id = ANY (ids)
    RETURNING id, memory_type, created_at
  )
  SELECT count(*)::integer AS atoms, (count(*) FILTER (WHERE ${IS_MESSAGE}))::integer AS messages,
    COALESCE(bit_xor(${bitsOf("id")}), ${NO_BITS}) AS id_xor,
    COALESCE(bit_xor(${bitsOf("id")}) FILTER (WHERE ${IS_HISTORY}), ${NO_BITS}) AS history_xor,
    min(created_at) AS earliest, COALESCE(bool_or(${IS_METADATA}), false) AS has_metadata
  INTO gone FROM deleted;

  SELECT id INTO last_id FROM ${memories} WHERE session_id = given_session_id ORDER BY id DESC LIMIT 1;
  IF last_id IS NULL THEN
    UPDATE ${heads} SET ${EMPTY_HEAD}, deletion_count = deletion_count + 1 WHERE session_id = given_session_id;
    RETURN gone.atoms;
  END IF;
  UPDATE ${heads} SET last_atom_id = last_id, recency = ${recencyOf("last_id")}, message_count = message_count - gone.messages,
    atom_count = atom_count - gone.atoms, id_xor = id_xor # gone.id_xor, history_xor = history_xor # gone.history_xor,
    -- Only when the earliest goes are all of them looked at.
    created_at = CASE WHEN created_at = gone.earliest
      THEN (SELECT min(created_at) FROM ${memories} WHERE session_id = given_session_id) ELSE created_at END,
    metadata = CASE WHEN gone.has_metadata THEN '{}' ELSE metadata END,
    metadata_ids = CASE WHEN gone.has_metadata THEN '{}' ELSE metadata_ids END,
    deletion_count = deletion_count + 1
  WHERE session_id = given_session_id;
  IF gone.has_metadata THEN
    PERFORM ${place}.rivet_apply_metadata(ARRAY[given_session_id], NULL);
  END IF;
  RETURN gone.atoms;
END`,
)}`;
}

function burySessions(schema: string): string {
  const { schema: place, heads, memories, tombstones } = tableNames(schema);
  return `-- Removes all of some sessions, whose heads are locked, and leaves the one tombstone that stands for each. Gives what
-- was removed.
${plpgsql(
  `${place}.rivet_bury_sessions(session_ids text[], times timestamptz[])`,
  "json",
  `
DECLARE
  removed json := (
    SELECT json_build_object('sessions', count(*), 'atoms', COALESCE(sum(atom_count), 0),
      'messages', COALESCE(sum(message_count), 0))
    FROM ${heads} WHERE session_id = ANY (session_ids) AND atom_count > 0
  );
BEGIN
  WITH dug_up AS (
    DELETE FROM ${tombstones} WHERE session_id = ANY (session_ids) AND id <> ${NIL}
  ), buried AS (
    INSERT INTO ${tombstones} (session_id, id, deleted_at)
    SELECT session_id, ${NIL}, COALESCE(deleted_at, now()) FROM unnest(session_ids, times) AS given (session_id, deleted_at)
    ORDER BY session_id COLLATE "C" ON CONFLICT DO NOTHING RETURNING session_id, id
  ), hinted AS (
    ${leaveHints(tableNames(schema), "buried", true)}
  )
  DELETE FROM ${memories} WHERE session_id = ANY (session_ids);
  UPDATE ${heads} SET ${EMPTY_HEAD}, deletion_count = deletion_count + 1 WHERE session_id = ANY (session_ids);
  RETURN removed;
END`,
)}`;
}

function writeAtoms(schema: string): string {
  const { schema: place, heads, memories, tombstones, peers } = tableNames(schema);
  const record = `json_to_recordset(atoms) AS atom (session_id text, id uuid, user_id text, memory_type text, content text,
      metadata text, created_at_ms bigint, expires_at_ms bigint)`;
  // What the inserted rows add to a head.
  const added = `min(created_at) AS created_at, max(id::text COLLATE "C")::uuid AS last_id,
      count(*) FILTER (WHERE ${IS_MESSAGE}) AS messages, count(*) AS atoms, COALESCE(bit_xor(${bitsOf("id")}), ${NO_BITS}) AS id_xor,
      COALESCE(bit_xor(${bitsOf("id")}) FILTER (WHERE ${IS_HISTORY}), ${NO_BITS}) AS history_xor`;
  const parse = `incoming := ARRAY(
      SELECT ROW(COALESCE(session_id, saved_id), id, COALESCE(user_id, saved_user), memory_type, content::jsonb,
        metadata::jsonb, ${timeOf("created_at_ms")}, ${timeOf("expires_at_ms")})::${memories}
      FROM ${record}
      ORDER BY 1
    );`;
  const result = `COALESCE(array_agg(id), '{}') AS ids, COALESCE(bool_or(${IS_METADATA}), false) AS has_metadata`;
  const add = `last_atom_id = GREATEST(last_atom_id, last_id), recency = GREATEST(recency, ${recencyOf("last_id")}), message_count = message_count + messages,
      atom_count = atom_count + atoms, id_xor = head.id_xor # added.id_xor, history_xor = head.history_xor # added.history_xor`;
  const withoutTombstone = (sessionId: string): string => `NOT EXISTS (
      SELECT FROM ${tombstones} AS buried WHERE buried.session_id = ${sessionId} AND buried.id = atom.id
    )`;
  // A statement for each case: with both in one it was planned anew each time.
  const insertInto = (condition: string): string => `WITH inserted AS (
      INSERT INTO ${memories} SELECT saved_id, id, saved_user, memory_type, content::jsonb, metadata::jsonb, ${timeOf("created_at_ms")},
        ${timeOf("expires_at_ms")}
      FROM ${record} ${condition}
      ON CONFLICT DO NOTHING
      RETURNING session_id, id, memory_type, created_at
    )
    SELECT ${result}, ${added} INTO done FROM inserted;`;
  const given = "json_to_recordset(tombstones) AS given (session_id text, id uuid, deleted_at_ms bigint)";
  return `-- Appends atoms, and maintains the heads of their sessions. With a session, that one is saved, and the atoms are its: its
-- messages through an id are cleared first, and it is refused when its history is not the one that is expected. With
-- tombstones, also an empty list, the facts of another store are merged: tombstones come first and win, and what is late is
-- left out silently.
${plpgsql(
  `${place}.rivet_write_atoms(atoms json, saved_session json DEFAULT NULL, tombstones json DEFAULT NULL)`,
  "json",
  `
DECLARE
  is_merge constant boolean := tombstones IS NOT NULL;
  saved_id constant text := saved_session ->> 'sessionId';
  saved_user constant text := saved_session ->> 'userId';
  clear_through constant uuid := saved_session ->> 'clearThroughId';
  expected constant bit(128) := ${bitsOf("(saved_session ->> 'expectedHistoryXor')")};
  incoming ${memories}[];
  session_ids text[] := ARRAY[saved_id];
  locked text[];
  deleted text[];
  refused record;
  facts record;
  head record;
  done record;
  version bit(128);
  version_after bit(128);
  removed integer := 0;
BEGIN
  ${setWriting(true)}
  IF saved_id IS NOT NULL AND clear_through IS NULL AND NOT is_merge THEN
    -- A session that is there, as nearly always. Small statements: one that did all of it took twice as long.
    SELECT deletion_count, history_xor INTO head FROM ${heads}
    WHERE session_id = saved_id AND user_id = saved_user AND atom_count > 0 FOR UPDATE;
    version := head.history_xor;
  END IF;
  IF version IS NOT NULL THEN
    IF head.deletion_count = 0 THEN
      ${insertInto("")}
    ELSE
      ${insertInto(`WHERE ${withoutTombstone("saved_id")}`)}
    END IF;
    UPDATE ${heads} SET created_at = LEAST(created_at, done.created_at),
      last_atom_id = GREATEST(last_atom_id, done.last_id), recency = GREATEST(recency, ${recencyOf("done.last_id")}), message_count = message_count + done.messages,
      atom_count = atom_count + done.atoms, id_xor = id_xor # done.id_xor, history_xor = history_xor # done.history_xor
    WHERE session_id = saved_id;
    version_after := version # done.history_xor;
    IF EXISTS (SELECT FROM ${peers}) THEN
      ${leaveHints(tableNames(schema), "(SELECT saved_id AS session_id, id FROM unnest(done.ids) AS id) AS inserted", false)};
    END IF;
    IF cardinality(done.ids) < json_array_length(atoms) THEN
      ${parse}
    END IF;
  END IF;
  IF version IS NULL THEN
    ${parse}
    session_ids := ARRAY(
      SELECT session_id FROM unnest(incoming)
      UNION SELECT saved_id WHERE saved_id IS NOT NULL
      UNION SELECT session_id FROM ${given}
    );
    locked := ${place}.rivet_lock_heads(session_ids);

    IF is_merge THEN
      deleted := ${place}.rivet_deleted_sessions(session_ids);
      SELECT array_agg(session_id) AS ids, array_agg(${timeOf("deleted_at_ms")}) AS times INTO facts
      FROM ${given} WHERE id = ${NIL} AND session_id = ANY (locked) AND session_id <> ALL (deleted);
      IF facts.ids IS NOT NULL THEN
        removed := (${place}.rivet_bury_sessions(facts.ids, facts.times) ->> 'atoms')::integer;
        deleted := deleted || facts.ids;
      END IF;
      FOR facts IN
        SELECT session_id, array_agg(id ORDER BY id) AS ids, array_agg(${timeOf("deleted_at_ms")} ORDER BY id) AS times
        FROM ${given} WHERE id <> ${NIL} AND session_id = ANY (locked) AND session_id <> ALL (deleted)
        GROUP BY session_id
      LOOP
        removed := removed + ${place}.rivet_bury_atoms(facts.session_id, facts.ids, facts.times);
      END LOOP;
      incoming := ARRAY(SELECT atom FROM unnest(incoming) AS atom WHERE session_id <> ALL (deleted));
    END IF;

    -- Who owns a session that is there, and whether one that has no atoms was deleted. What could not be locked is somebody
    -- else's.
    FOR refused IN
      SELECT wanted.session_id, wanted.session_id <> ALL (locked) OR atom_count > 0 AS is_foreign
      FROM (
        SELECT session_id, user_id FROM unnest(incoming)
        UNION SELECT saved_id, saved_user WHERE saved_id IS NOT NULL
        UNION SELECT session_id, NULL FROM unnest(session_ids) AS session_id WHERE session_id <> ALL (locked)
      ) AS wanted
      LEFT JOIN ${heads} AS head USING (session_id)
      WHERE wanted.session_id <> ALL (locked) OR atom_count = 0 OR head.user_id <> wanted.user_id
      ORDER BY session_id
    LOOP
      IF refused.is_foreign THEN
        ${raise(REFUSALS.foreign, "the session belongs to another user", "refused.session_id")}
      ELSIF ${place}.rivet_deleted_sessions(ARRAY[refused.session_id]) <> '{}' THEN
        ${raise(REFUSALS.deleted, "the session was deleted", "refused.session_id")}
      END IF;
    END LOOP;

    IF saved_id IS NOT NULL THEN
      SELECT history_xor INTO version FROM ${heads} WHERE session_id = saved_id;
      SELECT array_agg(id) AS ids INTO facts FROM ${memories}
      WHERE session_id = saved_id AND id <= clear_through AND ${IS_MESSAGE};
      IF facts.ids IS NOT NULL THEN
        removed := ${place}.rivet_bury_atoms(saved_id, facts.ids, NULL);
      END IF;
    END IF;

    WITH inserted AS (
      INSERT INTO ${memories} SELECT atom.* FROM unnest(incoming) AS atom WHERE ${withoutTombstone("atom.session_id")}
      ON CONFLICT DO NOTHING
      RETURNING session_id, id, user_id, memory_type, created_at
    ), hinted AS (
    ${leaveHints(tableNames(schema), "inserted", false)}
  ), added AS (
      SELECT session_id, min(user_id) AS user_id, ${added} FROM inserted GROUP BY session_id
    ), updated AS (
      UPDATE ${heads} AS head SET user_id = added.user_id,
        created_at = CASE WHEN atom_count = 0 THEN added.created_at ELSE LEAST(head.created_at, added.created_at) END, ${add}
      FROM added WHERE head.session_id = added.session_id
    )
    SELECT ${result} INTO done FROM inserted;
    SELECT history_xor INTO version_after FROM ${heads} WHERE session_id = saved_id;
  END IF;

  IF done.has_metadata THEN
    PERFORM ${place}.rivet_apply_metadata(session_ids, done.ids);
  END IF;

  IF cardinality(done.ids) < cardinality(incoming) THEN
    SELECT atom.session_id, atom.id INTO refused FROM unnest(incoming) AS atom JOIN ${memories} AS stored USING (session_id, id)
    WHERE (atom.user_id, atom.memory_type, atom.content, atom.metadata, atom.expires_at)
      IS DISTINCT FROM (stored.user_id, stored.memory_type, stored.content, stored.metadata, stored.expires_at)
    ORDER BY 1, 2 LIMIT 1;
    IF FOUND THEN
      ${raise(REFUSALS.conflict, "the atom exists with other content", "refused.session_id", "refused.id")}
    END IF;
  END IF;

  IF expected IS NOT NULL AND version <> expected AND removed + cardinality(done.ids) > 0 THEN
    -- What the same write left here before its reply was lost is no change by somebody else.
    FOR refused IN
      SELECT id FROM unnest(incoming) AS atom JOIN ${memories} USING (session_id, id)
      WHERE atom.${IS_HISTORY} AND id <> ALL (done.ids) ORDER BY id DESC
    LOOP
      version := version # ${bitsOf("refused.id")};
      EXIT WHEN version = expected;
    END LOOP;
    IF version <> expected THEN
      ${raise(REFUSALS.changed, "the session was changed by another writer", "saved_id")}
    END IF;
  END IF;

  ${setWriting(false)}
  RETURN json_build_object('written', cardinality(done.ids), 'removed', removed,
    'historyXor', ${idOf("version_after")});
END`,
)}`;
}

function deleteAtoms(schema: string): string {
  const { schema: place, heads } = tableNames(schema);
  const own = (condition: string): string => `ARRAY(
    SELECT session_id FROM ${heads} WHERE ${condition} AND atom_count > 0 ORDER BY session_id FOR UPDATE
  )`;
  return `-- Deletes atoms by their ids, a whole session, or everything of a user, and leaves tombstones. What is somebody else's is
-- as if it were not there.
${plpgsql(
  `${place}.rivet_delete_atoms(given_session_id text DEFAULT NULL, given_user_id text DEFAULT NULL, ids uuid[] DEFAULT NULL)`,
  "json",
  `
DECLARE
  locked text[];
  removed json;
  atoms integer;
  messages integer;
BEGIN
  ${setWriting(true)}
  IF given_session_id IS NULL THEN
    locked := ${own("user_id = given_user_id")};
  ELSE
    locked := ${own("session_id = given_session_id AND (given_user_id IS NULL OR user_id = given_user_id)")};
  END IF;
  IF ids IS NULL OR cardinality(locked) = 0 THEN
    removed := ${place}.rivet_bury_sessions(locked, NULL);
  ELSE
    SELECT message_count INTO messages FROM ${heads} WHERE session_id = given_session_id;
    atoms := ${place}.rivet_bury_atoms(given_session_id, ids, NULL);
    removed := json_build_object('sessions', 0, 'atoms', atoms, 'messages',
      messages - (SELECT message_count FROM ${heads} WHERE session_id = given_session_id));
  END IF;
  ${setWriting(false)}
  RETURN removed;
END`,
  { isSlow: true },
)}`;
}
