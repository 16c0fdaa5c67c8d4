/** The functions that write. Each is one request, and all of it happens or nothing. */
import { bitsOf, idOf, ownerFromText, ownerOfUser } from "@rivet/postgres-schema";
import { namesOf } from "../names.ts";
import { refuseForged } from "./admission-functions.ts";
import { appendFunction } from "./append-function.ts";
import { appendTogetherFunction } from "./append-together-function.ts";
import { deleteFunctions } from "./delete-functions.ts";
import {
  ADDED_TO_HEAD,
  addToHead,
  GIVEN_ATOMS,
  GIVEN_VALUES,
  isConcerned,
  IS_HISTORY,
  IS_MESSAGE,
  leaveHints,
  NIL,
  plpgsql,
  setWriting,
  timeOf,
  WRITTEN,
} from "../fragments.ts";
import { headFunctions } from "./head-functions.ts";
import { raise, refuseTooMany, REFUSALS } from "../refusals.ts";

export function writeFunctions(schema: string): string[] {
  return [
    ...headFunctions(schema),
    ...deleteFunctions(schema),
    appendFunction(schema),
    writeAtoms(schema),
    appendTogetherFunction(schema),
  ];
}

function writeAtoms(schema: string): string {
  const { schema: place, heads, memories, tombstones } = namesOf(schema);
  const given =
    "pg_catalog.json_to_recordset(tombstones) AS given (session_id text, id uuid, owner text, deleted_at_ms bigint)";
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
  clear_after constant uuid := saved_session -> 'clearAhead' ->> 'afterId';
  clear_ahead constant uuid := saved_session -> 'clearAhead' ->> 'throughId';
  expected constant bit(128) := ${bitsOf("(saved_session ->> 'expectedHistoryXor')")};
  incoming ${memories}[];
  session_ids text[];
  locked text[];
  refused record;
  facts record;
  done record;
  version bit(128);
  version_after bit(128);
  removed integer := 0;
BEGIN
  ${refuseTooMany("pg_catalog.json_array_length(tombstones)")}
  ${setWriting(true)}
  ${refuseForged(schema, "saved_session", "tombstones")}
  incoming := ARRAY(
    SELECT ROW(COALESCE(session_id, saved_id), id, COALESCE(user_id, saved_user), ${GIVEN_VALUES})::${memories}
    FROM ${GIVEN_ATOMS}
    ORDER BY 1
  );
  session_ids := ARRAY(
    SELECT session_id FROM pg_catalog.unnest(incoming)
    UNION SELECT saved_id WHERE saved_id IS NOT NULL
    UNION SELECT session_id FROM ${given}
  );
  locked := ${place}.rivet_lock_heads(session_ids);

  IF is_merge THEN
    -- Those that concern everybody come last: they take the place of the others.
    FOR facts IN
      SELECT session_id, ${ownerFromText("owner")} AS owner, pg_catalog.array_agg(id ORDER BY id) AS ids,
        pg_catalog.array_agg(${timeOf("deleted_at_ms")} ORDER BY id) AS times
      FROM ${given} WHERE session_id = ANY (locked) GROUP BY session_id, owner ORDER BY session_id, owner DESC
    LOOP
      removed := removed + ${place}.rivet_take_tombstones(facts.session_id, facts.owner, facts.ids, facts.times);
    END LOOP;
    -- Rows of a user who has deleted the session are late.
    incoming := ARRAY(
      SELECT atom FROM pg_catalog.unnest(incoming) AS atom WHERE NOT EXISTS (
        SELECT FROM ${tombstones} AS buried
        WHERE buried.session_id = atom.session_id AND buried.id = ${NIL} AND ${isConcerned("buried.owner", "atom.user_id")}
      )
    );
  END IF;

  -- Whose a session is, also without atoms; whether it was deleted, or its first writer has a tombstone of all of it. What could
  -- not be locked is somebody else's, as is what was deleted to the rows of another store, which are not late.
  FOR refused IN
    SELECT wanted.session_id, wanted.session_id <> ALL (locked) OR head.user_id <> '' OR is_merge AS is_foreign
    FROM (
      SELECT session_id, user_id FROM pg_catalog.unnest(incoming)
      UNION SELECT saved_id, saved_user WHERE saved_id IS NOT NULL
      UNION SELECT session_id, NULL FROM pg_catalog.unnest(session_ids) AS session_id WHERE session_id <> ALL (locked)
    ) AS wanted
    LEFT JOIN ${heads} AS head USING (session_id)
    WHERE wanted.session_id <> ALL (locked) OR head.is_deleted OR head.user_id <> '' AND head.user_id <> wanted.user_id
      OR head.user_id = '' AND EXISTS (
        SELECT FROM ${tombstones} AS buried
        WHERE buried.session_id = wanted.session_id AND buried.id = ${NIL} AND ${isConcerned("buried.owner", "wanted.user_id")}
      )
    ORDER BY session_id
  LOOP
    IF refused.is_foreign THEN
      ${raise(REFUSALS.foreign, "the session belongs to another user", "refused.session_id")}
    END IF;
    ${raise(REFUSALS.deleted, "the session was deleted", "refused.session_id")}
  END LOOP;

  IF saved_id IS NOT NULL THEN
    SELECT history_xor INTO version FROM ${heads} WHERE session_id = saved_id;
    SELECT pg_catalog.array_agg(id) AS ids INTO facts FROM ${memories}
    WHERE session_id = saved_id AND (id <= clear_through OR id > clear_after AND id <= clear_ahead) AND ${IS_MESSAGE};
    IF facts.ids IS NOT NULL THEN
      removed := ${place}.rivet_bury_atoms(saved_id, facts.ids, NULL, ${ownerOfUser("saved_user")});
    END IF;
  END IF;

  WITH inserted AS (
    INSERT INTO ${memories} SELECT atom.* FROM pg_catalog.unnest(incoming) AS atom
    WHERE NOT EXISTS (
      SELECT FROM ${tombstones} AS buried WHERE buried.session_id = atom.session_id AND buried.id = atom.id
        AND ${isConcerned("buried.owner", "atom.user_id")}
    )
    ON CONFLICT DO NOTHING
    RETURNING session_id, id, user_id, memory_type, created_at
  ), hinted AS (
    ${leaveHints(namesOf(schema), "inserted", false)}
  ), added AS (
    SELECT session_id, pg_catalog.min(user_id) AS user_id, ${ADDED_TO_HEAD} FROM inserted GROUP BY session_id
  ), updated AS (
    UPDATE ${heads} AS head SET user_id = added.user_id,
      created_at = CASE WHEN atom_count = 0 THEN added.created_at ELSE LEAST(head.created_at, added.created_at) END,
      ${addToHead("added")}
    FROM added WHERE head.session_id = added.session_id
  )
  SELECT ${WRITTEN} INTO done FROM inserted;
  SELECT history_xor INTO version_after FROM ${heads} WHERE session_id = saved_id;

  IF done.has_metadata THEN
    IF NOT is_merge THEN
      PERFORM ${place}.rivet_refuse_overruled(session_ids, done.ids);
    END IF;
    PERFORM ${place}.rivet_apply_metadata(session_ids, done.ids);
  END IF;

  IF pg_catalog.cardinality(done.ids) < pg_catalog.cardinality(incoming) THEN
    SELECT atom.session_id, atom.id INTO refused FROM pg_catalog.unnest(incoming) AS atom JOIN ${memories} AS stored USING (session_id, id)
    WHERE (atom.user_id, atom.memory_type, atom.content, atom.metadata, atom.expires_at)
      IS DISTINCT FROM (stored.user_id, stored.memory_type, stored.content, stored.metadata, stored.expires_at)
    ORDER BY 1, 2 LIMIT 1;
    IF FOUND THEN
      ${raise(REFUSALS.conflict, "the atom exists with other content", "refused.session_id", "refused.id")}
    END IF;
  END IF;

  IF expected IS NOT NULL AND version <> expected AND removed + pg_catalog.cardinality(done.ids) > 0 THEN
    -- What the same write left here before its reply was lost is no change by somebody else.
    FOR refused IN
      SELECT id FROM pg_catalog.unnest(incoming) AS atom JOIN ${memories} USING (session_id, id)
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
  RETURN pg_catalog.json_build_object('written', pg_catalog.cardinality(done.ids), 'removed', removed,
    'historyXor', ${idOf("version_after")});
END`,
)}`;
}
