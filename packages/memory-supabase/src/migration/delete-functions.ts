/** The function that deletes, and what it shares with the one that merges. */
import { bitsOf, recencyOf } from "@rivet/postgres-schema";
import { namesOf } from "./names.ts";
import {
  EMPTY_HEAD,
  IS_HISTORY,
  IS_MESSAGE,
  IS_METADATA,
  leaveHints,
  NIL,
  NO_BITS,
  plpgsql,
  setWriting,
} from "./fragments.ts";

export function deleteFunctions(schema: string): string[] {
  return [buryAtoms(schema), burySessions(schema), deleteAtoms(schema)];
}

function buryAtoms(schema: string): string {
  const { schema: place, heads, memories, tombstones } = namesOf(schema);
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
    SELECT given_session_id, id, COALESCE(deleted_at, pg_catalog.now())
    FROM ROWS FROM (pg_catalog.unnest(ids), pg_catalog.unnest(times)) AS given (id, deleted_at)
    ORDER BY id ON CONFLICT DO NOTHING RETURNING session_id, id
  ), hinted AS (
    ${leaveHints(namesOf(schema), "buried", true)}
  ), deleted AS (
    DELETE FROM ${memories} WHERE session_id = given_session_id AND id = ANY (ids)
    RETURNING id, memory_type, created_at
  )
  SELECT pg_catalog.count(*)::integer AS atoms, (pg_catalog.count(*) FILTER (WHERE ${IS_MESSAGE}))::integer AS messages,
    COALESCE(pg_catalog.bit_xor(${bitsOf("id")}), ${NO_BITS}) AS id_xor,
    COALESCE(pg_catalog.bit_xor(${bitsOf("id")}) FILTER (WHERE ${IS_HISTORY}), ${NO_BITS}) AS history_xor,
    pg_catalog.min(created_at) AS earliest, COALESCE(pg_catalog.bool_or(${IS_METADATA}), false) AS has_metadata
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
      THEN (SELECT pg_catalog.min(created_at) FROM ${memories} WHERE session_id = given_session_id) ELSE created_at END,
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
  const { schema: place, heads, memories, tombstones } = namesOf(schema);
  return `-- Removes all of some sessions, whose heads are locked, and leaves the one tombstone that stands for each. Gives what
-- was removed.
${plpgsql(
  `${place}.rivet_bury_sessions(session_ids text[], times timestamptz[])`,
  "json",
  `
DECLARE
  removed json := (
    SELECT pg_catalog.json_build_object('sessions', pg_catalog.count(*), 'atoms', COALESCE(pg_catalog.sum(atom_count), 0),
      'messages', COALESCE(pg_catalog.sum(message_count), 0))
    FROM ${heads} WHERE session_id = ANY (session_ids) AND atom_count > 0
  );
BEGIN
  WITH dug_up AS (
    DELETE FROM ${tombstones} WHERE session_id = ANY (session_ids) AND id <> ${NIL}
  ), buried AS (
    INSERT INTO ${tombstones} (session_id, id, deleted_at)
    SELECT session_id, ${NIL}, COALESCE(deleted_at, pg_catalog.now())
    FROM ROWS FROM (pg_catalog.unnest(session_ids), pg_catalog.unnest(times)) AS given (session_id, deleted_at)
    ORDER BY session_id COLLATE "C" ON CONFLICT DO NOTHING RETURNING session_id, id
  ), hinted AS (
    ${leaveHints(namesOf(schema), "buried", true)}
  )
  DELETE FROM ${memories} WHERE session_id = ANY (session_ids);
  UPDATE ${heads} SET ${EMPTY_HEAD}, deletion_count = deletion_count + 1 WHERE session_id = ANY (session_ids);
  RETURN removed;
END`,
)}`;
}

function deleteAtoms(schema: string): string {
  const { schema: place, heads } = namesOf(schema);
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
  IF ids IS NULL OR pg_catalog.cardinality(locked) = 0 THEN
    removed := ${place}.rivet_bury_sessions(locked, NULL);
  ELSE
    SELECT message_count INTO messages FROM ${heads} WHERE session_id = given_session_id;
    atoms := ${place}.rivet_bury_atoms(given_session_id, ids, NULL);
    removed := pg_catalog.json_build_object('sessions', 0, 'atoms', atoms, 'messages',
      messages - (SELECT message_count FROM ${heads} WHERE session_id = given_session_id));
  END IF;
  ${setWriting(false)}
  RETURN removed;
END`,
  { isSlow: true },
)}`;
}
