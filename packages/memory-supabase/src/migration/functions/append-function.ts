import { bitsOf } from "@rivet/postgres-schema";
import { namesOf } from "../names.ts";
import { refuseForged } from "./admission-functions.ts";
import {
  ADDED_TO_HEAD,
  addToHead,
  GIVEN_ATOMS,
  GIVEN_VALUES,
  leaveHints,
  plpgsql,
  setWriting,
  WRITTEN,
} from "../fragments.ts";
import { raise, REFUSALS } from "../refusals.ts";

/**
 * The save of nearly every turn. That it gives nothing is worth a twentieth of a request: PostgREST answers 204, and
 * neither side has a body to write or to read. Small statements: one that did all of it took twice as long.
 */
export function appendFunction(schema: string): string {
  const { schema: place, heads, memories, tombstones, peers } = namesOf(schema);
  const refuse = raise(REFUSALS.unforeseen, "the session is not as it was foreseen", "saved_id");
  return `-- Appends atoms to a session that is there, when its history is then the one that is foreseen. Otherwise it is refused,
-- and rivet_write_atoms finds out why.
${plpgsql(
  `${place}.rivet_append(atoms json, saved_session json)`,
  "void",
  `
DECLARE
  saved_id constant text := saved_session ->> 'sessionId';
  saved_user constant text := saved_session ->> 'userId';
  foreseen constant bit(128) := ${bitsOf("(saved_session ->> 'foreseenHistoryXor')")};
  done record;
  changed record;
BEGIN
  ${setWriting(true)}
  ${refuseForged(schema, "saved_session")}
  WITH inserted AS (
    INSERT INTO ${memories} SELECT saved_id, id, saved_user, ${GIVEN_VALUES}
    FROM ${GIVEN_ATOMS}
    ON CONFLICT DO NOTHING
    RETURNING session_id, id, memory_type, created_at
  )
  SELECT ${WRITTEN}, ${ADDED_TO_HEAD} INTO done FROM inserted;

  UPDATE ${heads} AS head SET created_at = LEAST(head.created_at, done.created_at), ${addToHead("done")}
  WHERE session_id = saved_id AND user_id = saved_user AND atom_count > 0
  RETURNING history_xor, deletion_count INTO changed;
  IF changed.history_xor IS DISTINCT FROM foreseen OR done.atoms < pg_catalog.json_array_length(atoms) THEN
    ${refuse}
  END IF;
  IF changed.deletion_count > 0 THEN
    -- What was deleted stays so, however late it comes.
    IF EXISTS (SELECT FROM ${tombstones} WHERE session_id = saved_id AND id = ANY (done.ids)) THEN
      ${refuse}
    END IF;
  END IF;

  IF EXISTS (SELECT FROM ${peers}) THEN
    ${leaveHints(namesOf(schema), "(SELECT saved_id AS session_id, id FROM pg_catalog.unnest(done.ids) AS id) AS inserted", false)};
  END IF;
  IF done.has_metadata THEN
    PERFORM ${place}.rivet_refuse_overruled(ARRAY[saved_id], done.ids);
    PERFORM ${place}.rivet_apply_metadata(ARRAY[saved_id], done.ids);
  END IF;
  ${setWriting(false)}
END`,
)}`;
}
