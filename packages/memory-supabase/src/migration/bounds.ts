/**
 * The bounds of the core in SQL: how long a name is, when an atom was created, how large and how deeply nested its JSON
 * is. Each is written once, in the core.
 */
import {
  DEFAULT_MAX_ATOM_BYTES,
  ESCAPED_UNITS,
  MAX_NAME_LENGTH,
  MAX_NESTING,
  MAX_STORED_NESTING,
} from "@rivet/memory-core";
import { IS_METADATA } from "./fragments.ts";

/** The units of a name before it was encoded: an escape stands for one, and a character outside of the BMP has two. */
const unitsOf = (name: string): string => {
  const text = `pg_catalog.regexp_replace(${name}, '\\u0010${ESCAPED_UNITS.any}', 'x', 'g')`;
  const astral = `pg_catalog.regexp_replace(${text}, '[^\\U00010000-\\U0010FFFF]', '', 'g')`;
  return `pg_catalog.char_length(${text}) + pg_catalog.char_length(${astral})`;
};

/** A name of a few characters, as nearly all are, is decided by their number. */
const isName = (name: string): string => `CASE
      WHEN pg_catalog.strpos(${name}, pg_catalog.chr(16)) > 0 AND ${name} ~ '\\u00100000' THEN false
      WHEN pg_catalog.char_length(${name}) BETWEEN 1 AND ${MAX_NAME_LENGTH / 2} THEN true
      WHEN pg_catalog.char_length(${name}) BETWEEN 1 AND ${MAX_NAME_LENGTH * 5} THEN ${unitsOf(name)} <= ${MAX_NAME_LENGTH}
      ELSE false
    END`;

/**
 * The last time that a Date of JavaScript has (ECMA-262, section 21.4.1.1); PostgreSQL's times begin later and end
 * later.
 */
const LAST_TIME = "timestamptz '275760-09-13 00:00:00+00'";

/** A row of the table of atoms: its names and times. */
export const IS_WITHIN_BOUNDS = [
  ...["session_id", "user_id", "memory_type"].map(isName),
  `created_at <= ${LAST_TIME}`,
  `(expires_at IS NULL OR expires_at <= ${LAST_TIME})`,
].join("\n    AND ");

const bytesOf = (text: string): string => `pg_catalog.octet_length(${text})`;

/** The brackets of a JSON text that open an array or an object, or stand in a string. */
const bracketsIn = (text: string): string =>
  `${bytesOf(text)} - ${bytesOf(`pg_catalog.replace(pg_catalog.replace(${text}, '[', ''), '{', '')`)}`;

/** Neither larger nor deeper than the bounds, by what costs nothing to find out; false where it has to be looked at. */
export const mayBeOutsized = (json: string): string =>
  // In parentheses: PL/pgSQL takes the first THEN outside of them for the one of its IF.
  `(CASE WHEN ${bytesOf(`${json}::text`)} <= ${2 * MAX_NESTING} THEN false
    ELSE ${bytesOf(`${json}::text`)} > ${DEFAULT_MAX_ATOM_BYTES} OR ${bracketsIn(`${json}::text`)} > ${MAX_NESTING} END)`;

/** A value at this level that is an array or an object is too deep. */
const deeperThan = (levels: number): string =>
  `'strict $.**{${levels}} ? (@.type() == "array" || @.type() == "object")'::jsonpath`;

const isTooDeep = (text: string, path: string): string =>
  `CASE WHEN ${bytesOf(text)} <= ${2 * MAX_NESTING} OR ${bracketsIn(text)} <= ${MAX_NESTING} THEN false
        ELSE pg_catalog.jsonb_path_exists(${text}::jsonb, ${path}) END`;

const OF_CONTENT = `CASE WHEN ${IS_METADATA} THEN ${deeperThan(MAX_STORED_NESTING)} ELSE ${deeperThan(MAX_NESTING)} END`;

/** An atom that a function is given, whose JSON is still text. */
export const IS_OUTSIZED = `${bytesOf("content")} + ${bytesOf("metadata")} > ${DEFAULT_MAX_ATOM_BYTES}
      OR ${isTooDeep("content", OF_CONTENT)} OR ${isTooDeep("metadata", deeperThan(MAX_NESTING))}`;

/** The current metadata of a session, which every list of sessions reads. */
export const IS_HEAD_OUTSIZED = `${bytesOf("metadata::text")} > ${DEFAULT_MAX_ATOM_BYTES}`;
