/** What functions that write refuse. */

/** SQLSTATEs of ours, in a class that no standard uses; `errors.ts` has what they mean. */
export const REFUSALS = {
  conflict: "RM001",
  foreign: "RM002",
  deleted: "RM003",
  changed: "RM004",
  unforeseen: "RM005",
} as const;

/** @param sessionId an SQL expression, as is `id`. */
export function raise(code: string, message: string, sessionId: string, id?: string): string {
  const details = `'sessionId', ${sessionId}${id === undefined ? "" : `, 'id', ${id}`}`;
  return `RAISE EXCEPTION USING ERRCODE = '${code}', MESSAGE = '${message}', DETAIL = pg_catalog.json_build_object(${details})::text;`;
}
