/** The function that deletes, and what it shares with the one that merges. */
import { bitsOf, NO_OWNER, ownerOfUser, recencyOf } from "@rivet/postgres-schema";
import { namesOf } from "../names.ts";
import {
  EMPTY_HEAD,
  isConcerned,
  IS_HISTORY,
  IS_MESSAGE,
  IS_METADATA,
  leaveHints,
  NIL,
  NO_BITS,
  plpgsql,
  setWriting,
} from "../fragments.ts";
import { refuseTooMany } from "../refusals.ts";

export function deleteFunctions(schema: string): string[] {
  return [buryAtoms(schema), burySessions(schema), takeTombstones(schema), deleteAtoms(schema)];
}

function buryAtoms(schema: string): string {
  const { schema: place, heads, memories, tombstones } = namesOf(schema);
  return `DROP FUNCTION IF EXISTS ${place}.rivet_bury_atoms(text, uuid[], timestamptz[]);

-- Deletes atoms of a session whose head is locked, leaves a tombstone of the owner for each id, there or not, and writes the head
-- that follows. Gives how many were there.
${plpgsql(
  `${place}.rivet_bury_atoms(given_session_id text, ids uuid[], times timestamptz[], given_owner bytea)`,
  "integer",
  `
DECLARE
  gone record;
  last_id uuid;
BEGIN
  WITH buried AS (
    INSERT INTO ${tombstones} (session_id, id, owner, deleted_at)
    SELECT given_session_id, id, given_owner, COALESCE(deleted_at, pg_catalog.now())
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
  const { schema: place, heads, memories } = namesOf(schema);
  return `DROP FUNCTION IF EXISTS ${place}.rivet_bury_sessions(text[], timestamptz[]);

-- Removes all of some sessions, whose heads are locked, and leaves the one tombstone that stands for each: that of its user, unless
-- an owner is given. Nothing else remembers the user. Gives what was removed.
${plpgsql(
  `${place}.rivet_bury_sessions(session_ids text[], times timestamptz[], given_owner bytea)`,
  "json",
  `
DECLARE
  removed json := (
    SELECT pg_catalog.json_build_object('sessions', pg_catalog.count(*), 'atoms', COALESCE(pg_catalog.sum(atom_count), 0),
      'messages', COALESCE(pg_catalog.sum(message_count), 0))
    FROM ${heads} WHERE session_id = ANY (session_ids) AND atom_count > 0
  );
BEGIN
  WITH given AS (
    SELECT given.session_id, deleted_at, COALESCE(given_owner, ${ownerOfUser("head.user_id")}) AS owner
    FROM ROWS FROM (pg_catalog.unnest(session_ids), pg_catalog.unnest(times)) AS given (session_id, deleted_at)
    JOIN ${heads} AS head ON head.session_id = given.session_id
  ), ${buryWholes(schema)}
  DELETE FROM ${memories} WHERE session_id = ANY (session_ids);
  UPDATE ${heads} SET user_id = '', is_deleted = true, ${EMPTY_HEAD}, deletion_count = deletion_count + 1
  WHERE session_id = ANY (session_ids);
  RETURN removed;
END`,
)}`;
}

/**
 * Leaves the tombstones of whole sessions that a part before it, `given`, names, each in the place of all that it
 * stands for.
 */
function buryWholes(schema: string): string {
  const { tombstones } = namesOf(schema);
  return `dug_up AS (
    DELETE FROM ${tombstones} AS tombstone USING given WHERE tombstone.session_id = given.session_id
      AND (tombstone.owner = given.owner AND tombstone.id <> ${NIL} OR given.owner = ${NO_OWNER} AND tombstone.owner <> ${NO_OWNER})
  ), buried AS (
    INSERT INTO ${tombstones} (session_id, id, owner, deleted_at)
    SELECT session_id, ${NIL}, owner, COALESCE(deleted_at, pg_catalog.now()) FROM given
    ORDER BY session_id COLLATE "C" ON CONFLICT DO NOTHING RETURNING session_id, id
  ), hinted AS (
    ${leaveHints(namesOf(schema), "buried", true)}
  )`;
}

function takeTombstones(schema: string): string {
  const { schema: place, heads, tombstones } = namesOf(schema);
  return `-- Takes another store's tombstones of one session and one owner, in the order of their ids, while the session's head is locked.
-- Atoms of the owner go; what is somebody else's stays. Gives how many atoms went.
${plpgsql(
  `${place}.rivet_take_tombstones(given_session_id text, given_owner bytea, ids uuid[], times timestamptz[])`,
  "integer",
  `
DECLARE
  head record;
BEGIN
  IF EXISTS (
    SELECT FROM ${tombstones} WHERE session_id = given_session_id AND id = ${NIL} AND (owner = given_owner OR owner = ${NO_OWNER})
  ) THEN
    RETURN 0;
  END IF;
  SELECT user_id, is_deleted, atom_count INTO head FROM ${heads} WHERE session_id = given_session_id;
  IF head.user_id <> '' AND ${isConcerned("given_owner", "head.user_id")} THEN
    IF ids[1] = ${NIL} THEN
      RETURN (${place}.rivet_bury_sessions(ARRAY[given_session_id], times, given_owner) ->> 'atoms')::integer;
    END IF;
    RETURN ${place}.rivet_bury_atoms(given_session_id, ids, times, given_owner);
  END IF;
  WITH given AS (
    SELECT given_session_id AS session_id, times[1] AS deleted_at, given_owner AS owner WHERE ids[1] = ${NIL}
  ), ${buryWholes(schema)}
  INSERT INTO ${tombstones} (session_id, id, owner, deleted_at)
  SELECT given_session_id, id, given_owner, deleted_at
  FROM ROWS FROM (pg_catalog.unnest(ids), pg_catalog.unnest(times)) AS given (id, deleted_at)
  WHERE ids[1] <> ${NIL} ORDER BY id ON CONFLICT DO NOTHING;
  IF ids[1] <> ${NIL} THEN
    ${leaveHints(namesOf(schema), "(SELECT given_session_id AS session_id, id FROM pg_catalog.unnest(ids) AS id) AS buried", true)};
  END IF;
  IF head.user_id = '' AND NOT head.is_deleted THEN
    -- Nobody has written here yet: the first who does has to look at the tombstones.
    UPDATE ${heads} SET deletion_count = deletion_count + 1 WHERE session_id = given_session_id;
  END IF;
  RETURN 0;
END`,
)}`;
}

function deleteAtoms(schema: string): string {
  const { schema: place, heads } = namesOf(schema);
  const own = (condition: string): string => `ARRAY(
    SELECT session_id FROM ${heads} WHERE ${condition} AND user_id <> '' ORDER BY session_id FOR UPDATE
  )`;
  return `-- Deletes atoms by their ids, a whole session, or everything of a user, and leaves tombstones. What is somebody else's is
-- as if it were not there.
${plpgsql(
  `${place}.rivet_delete_atoms(given_session_id text DEFAULT NULL, given_user_id text DEFAULT NULL, ids uuid[] DEFAULT NULL)`,
  "json",
  `
DECLARE
  locked text[];
  given_owner bytea;
  removed json;
  atoms integer;
  messages integer;
BEGIN
  ${refuseTooMany("pg_catalog.cardinality(ids)")}
  ${setWriting(true)}
  IF given_session_id IS NULL THEN
    locked := ${own("user_id = given_user_id")};
  ELSE
    locked := ${own("session_id = given_session_id AND (given_user_id IS NULL OR user_id = given_user_id)")};
  END IF;
  IF ids IS NULL OR pg_catalog.cardinality(locked) = 0 THEN
    removed := ${place}.rivet_bury_sessions(locked, NULL, NULL);
  ELSE
    SELECT message_count, ${ownerOfUser("user_id")} INTO messages, given_owner FROM ${heads} WHERE session_id = given_session_id;
    atoms := ${place}.rivet_bury_atoms(given_session_id, ids, NULL, given_owner);
    removed := pg_catalog.json_build_object('sessions', 0, 'atoms', atoms, 'messages',
      messages - (SELECT message_count FROM ${heads} WHERE session_id = given_session_id));
  END IF;
  ${setWriting(false)}
  RETURN removed;
END`,
  { isSlow: true },
)}`;
}
