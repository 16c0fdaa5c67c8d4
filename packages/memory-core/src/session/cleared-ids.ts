import { NIL_ID } from "../atom/atom-id.ts";
import type { ClearedIds } from "../backend/storage-hooks.ts";

/** Whether clearing a history deletes the message with this id. */
export function isCleared(id: string, { clearThroughId, clearAhead }: ClearedIds): boolean {
  if (clearThroughId !== undefined && id <= clearThroughId) return true;
  return clearAhead !== undefined && id > clearAhead.afterId && id <= clearAhead.throughId;
}

/** The bounds as values for a statement: delete ids up to the first value, and ids after the second up to the third. */
export function clearedBounds({ clearThroughId, clearAhead }: ClearedIds): [string, string, string] {
  return [clearThroughId ?? NIL_ID, clearAhead?.afterId ?? NIL_ID, clearAhead?.throughId ?? NIL_ID];
}
