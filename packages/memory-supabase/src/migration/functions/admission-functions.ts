/**
 * Admission of atoms, by the rules of the core: the client may be hostile. A bound that the core has too is written
 * there once, and belongs here in SQL.
 */
import { ESCAPED_UNITS, MAX_ID_LEAD_MS } from "@rivet/memory-core";
import { IS_OUTSIZED, IS_WITHIN_BOUNDS, mayBeOutsized } from "../bounds.ts";
import { GIVEN_ATOMS, IS_FACT, IS_METADATA, millisecondsOf, plpgsql } from "../fragments.ts";
import { namesOf } from "../names.ts";
import { raise, REFUSALS } from "../refusals.ts";

/** As much of them as is needed here. */
const GIVEN_TOMBSTONES = "pg_catalog.json_to_recordset(tombstones) AS given (session_id text, id uuid)";

const NOW_MS = `(${millisecondsOf("pg_catalog.now()")})::bigint`;
const LATEST_MS = `${NOW_MS} + ${MAX_ID_LEAD_MS}::bigint`;

/** `judgeAtomId` as a condition on the column `id`. */
const IS_GOOD_ID = `id::text ~ '^.{14}7.{4}[89ab]'
    AND ('x' || pg_catalog.left(pg_catalog.replace(id::text, '-', ''), 12))::bit(48)::bigint <= ${LATEST_MS}`;

/** The condition of a policy: true for an id that may enter, and an error for another. */
export function isAdmittedId(schema: string): string {
  return `CASE WHEN ${IS_GOOD_ID} THEN true ELSE ${namesOf(schema).schema}.rivet_refuse_id(session_id, id) END`;
}

/** The condition of a policy: true for a row whose names and times are within the bounds, and an error for another. */
export function isAdmittedRow(schema: string): string {
  return `CASE WHEN ${IS_WITHIN_BOUNDS} THEN true ELSE ${namesOf(schema).schema}.rivet_refuse_row(session_id, id) END`;
}

/** In text, and in JSON text of which no backslash is escaped: an escape that `encodeText` does not write. */
const FORGED_TEXT = forgedAfter("\\u0010");
const FORGED_JSON = forgedAfter("\\\\u0010");

function forgedAfter(dle: string): string {
  return `'${dle}(?!${ESCAPED_UNITS.any})|${dle}${ESCAPED_UNITS.highSurrogate}${dle}${ESCAPED_UNITS.lowSurrogate}'`;
}

const isForgedJson = (column: string): string =>
  `pg_catalog.replace(${column}::jsonb::text, '\\\\', '~') ~ ${FORGED_JSON}`;

/** Every escape that can stand for a part of an escape of ours begins with this, in JSON of any client. */
const mayBeForged = (json: string): string => `pg_catalog.strpos(${json}::text, '\\u00') > 0`;

/**
 * The first step of functions that write. An escape may hide brackets, so that a text with escapes is looked at for
 * both.
 */
export function refuseForged(schema: string, savedSession: string, tombstones?: string): string {
  const isSuspect = [savedSession, "atoms", ...(tombstones === undefined ? [] : [tombstones])].map(mayBeForged);
  return `IF ${isSuspect.join(" OR ")} THEN
    PERFORM ${namesOf(schema).schema}.rivet_refuse_outsized(atoms, ${savedSession});
    PERFORM ${namesOf(schema).schema}.rivet_refuse_forged(atoms, ${savedSession}, ${tombstones ?? "NULL"});
  ELSIF ${mayBeOutsized("atoms")} THEN
    PERFORM ${namesOf(schema).schema}.rivet_refuse_outsized(atoms, ${savedSession});
  END IF;`;
}

export function admissionFunctions(schema: string): string[] {
  return [
    refuseId(schema),
    refuseRow(schema),
    refuseForgedText(schema),
    refuseOutsized(schema),
    refuseOverruled(schema),
  ];
}

function refuseRow(schema: string): string {
  return `-- Refuses a row of which a name or a time is out of bounds.
${plpgsql(
  `${namesOf(schema).schema}.rivet_refuse_row(session_id text, id uuid)`,
  "boolean",
  `
BEGIN
  ${raise(REFUSALS.bounds, "a name or a time of the atom is out of bounds", "pg_catalog.left(session_id, 64)", "id")}
END`,
)}`;
}

function refuseOutsized(schema: string): string {
  return `-- Refuses an atom that is larger or nested deeper than a reader takes: brackets in a string count for no level.
${plpgsql(
  `${namesOf(schema).schema}.rivet_refuse_outsized(atoms json, saved_session json)`,
  "void",
  `
DECLARE
  saved_id constant text := saved_session ->> 'sessionId';
  refused record;
BEGIN
  SELECT COALESCE(session_id, saved_id) AS session_id, id INTO refused FROM ${GIVEN_ATOMS}
  WHERE ${IS_OUTSIZED} LIMIT 1;
  IF FOUND THEN
    ${raise(REFUSALS.bounds, "the JSON of the atom is out of bounds", "refused.session_id", "refused.id")}
  END IF;
EXCEPTION WHEN statement_too_complex THEN
  -- So deep that PostgreSQL cannot parse it.
  ${raise(REFUSALS.bounds, "the JSON of an atom is out of bounds", "saved_id")}
END`,
)}`;
}

function refuseId(schema: string): string {
  const { schema: place } = namesOf(schema);
  return `-- Says why an id may not enter.
${plpgsql(
  `${place}.rivet_refuse_id(session_id text, id uuid)`,
  "boolean",
  `
BEGIN
  ${raise(REFUSALS.id, "the id may not enter", "session_id", "id", { nowMs: NOW_MS })}
END`,
)}`;
}

function refuseForgedText(schema: string): string {
  const { schema: place } = namesOf(schema);
  return `-- Refuses text with an escape that no string is stored with: it would be read as the text of another string.
${plpgsql(
  `${place}.rivet_refuse_forged(atoms json, saved_session json, tombstones json)`,
  "void",
  `
DECLARE
  saved_id constant text := saved_session ->> 'sessionId';
  refused record;
BEGIN
  SELECT session_id, id INTO refused FROM (
    SELECT COALESCE(session_id, saved_id) AS session_id, id
    FROM ${GIVEN_ATOMS}
    WHERE session_id ~ ${FORGED_TEXT} OR user_id ~ ${FORGED_TEXT} OR memory_type ~ ${FORGED_TEXT}
      OR ${isForgedJson("content")} OR ${isForgedJson("metadata")}
    UNION ALL
    SELECT session_id, id FROM ${GIVEN_TOMBSTONES} WHERE session_id ~ ${FORGED_TEXT}
    UNION ALL
    SELECT saved_id, NULL WHERE saved_id ~ ${FORGED_TEXT} OR saved_session ->> 'userId' ~ ${FORGED_TEXT}
  ) AS forged LIMIT 1;
  IF FOUND THEN
    ${raise(REFUSALS.forged, "the text holds an escape that no string is stored with", "refused.session_id", "refused.id")}
  END IF;
END`,
)}`;
}

function refuseOverruled(schema: string): string {
  const { schema: place, heads, memories } = namesOf(schema);
  const decided = `(head.metadata_ids ->> key) COLLATE "C"`;
  return `-- Refuses a change of metadata that an id overrules which is ahead of the clock.
${plpgsql(
  `${place}.rivet_refuse_overruled(session_ids text[], atom_ids uuid[])`,
  "void",
  `
DECLARE
  latest constant text := pg_catalog.lpad(pg_catalog.to_hex(${LATEST_MS}), 12, '0');
  last_id constant text := pg_catalog.left(latest, 8) || '-' || pg_catalog.right(latest, 4) || '-ffff-ffff-ffffffffffff';
  refused record;
BEGIN
  SELECT session_id, key, ${decided} AS id INTO refused
  FROM ${memories} AS atom JOIN ${heads} AS head USING (session_id)
  CROSS JOIN LATERAL (
    SELECT pg_catalog.jsonb_object_keys(CASE WHEN pg_catalog.jsonb_typeof(content -> 'set') = 'object' THEN content -> 'set' END)
    UNION ALL
    SELECT pg_catalog.jsonb_array_elements_text(CASE WHEN pg_catalog.jsonb_typeof(content -> 'removed') = 'array' THEN content -> 'removed' END)
  ) AS changed (key)
  WHERE session_id = ANY (session_ids) AND ${IS_METADATA} AND ${IS_FACT} AND atom.id = ANY (atom_ids)
    AND ${decided} > last_id AND ${decided} > atom.id::text
  LIMIT 1;
  IF FOUND THEN
    ${raise(REFUSALS.overruled, "the metadata was set under an id ahead of the clock", "refused.session_id", "refused.id", { key: "refused.key", nowMs: NOW_MS })}
  END IF;
END`,
)}`;
}
