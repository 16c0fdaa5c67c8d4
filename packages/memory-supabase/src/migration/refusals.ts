/** The refusals of functions that write. */

/** SQLSTATEs of ours, in a class that no standard uses; `errors.ts` has what they mean. */
export const REFUSALS = {
  conflict: "RM001",
  foreign: "RM002",
  deleted: "RM003",
  changed: "RM004",
  unforeseen: "RM005",
  overruled: "RM006",
  forged: "RM007",
  tooMany: "RM008",
  bounds: "RM009",
  /** PostgreSQL's own, as a policy refuses the row; only its details hold an id. */
  id: "42501",
} as const;

/**
 * The number of ids that one request may delete, or of tombstones that it may contain. The statement timeout of a
 * project bounds it.
 */
export const MAX_IDS = 10_000;

/**
 * Ends a function that was given more of something than {@link MAX_IDS}, before it does anything. @param count an SQL
 * expression.
 */
export function refuseTooMany(count: string): string {
  return `IF ${count} > ${MAX_IDS} THEN
    ${raise(REFUSALS.tooMany, `one request takes ${MAX_IDS} ids at most`, "NULL")}
  END IF;`;
}

/** @param sessionId an SQL expression, as are `id` and the values of `more`. */
export function raise(
  code: string,
  message: string,
  sessionId: string,
  id?: string,
  more: Readonly<Record<string, string>> = {},
): string {
  const fields = { sessionId, ...(id === undefined ? {} : { id }), ...more };
  const details = Object.entries(fields)
    .map(([name, value]) => `'${name}', ${value}`)
    .join(", ");
  return `RAISE EXCEPTION USING ERRCODE = '${code}', MESSAGE = '${message}', DETAIL = pg_catalog.json_build_object(${details})::text;`;
}
