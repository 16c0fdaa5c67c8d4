import { idOf } from "@rivet/postgres-schema";
import { namesOf } from "../names.ts";
import { GIVEN_ATOMS, plpgsql } from "../fragments.ts";
import { raise, REFUSALS } from "../refusals.ts";

/** Saves that are made at the same time, in one request. */
export function appendTogetherFunction(schema: string): string {
  const { schema: place, heads } = namesOf(schema);
  return `-- Appends atoms of several sessions, of which none is there yet, and gives the versions of their histories by session.
-- Otherwise it is refused: it could not say whose atoms are new.
${plpgsql(
  `${place}.rivet_append_together(atoms json)`,
  "json",
  `
DECLARE
  written constant integer := (${place}.rivet_write_atoms(atoms) ->> 'written')::integer;
BEGIN
  IF written < pg_catalog.json_array_length(atoms) THEN
    ${raise(REFUSALS.unforeseen, "some of the atoms are there already", "NULL")}
  END IF;
  RETURN (
    SELECT pg_catalog.json_object_agg(session_id, ${idOf("history_xor")}) FROM ${heads}
    WHERE session_id IN (SELECT session_id FROM ${GIVEN_ATOMS})
  );
END`,
)}`;
}
