import { bySession, NIL_ID, type Facts, type Merged, type Tombstone } from "@rivet/memory-core";
import { append, bury } from "./append.ts";
import type { Statements } from "./statements.ts";

/**
 * Takes what another store knows: tombstones first, which win over rows. Throws before or after changes: the caller undoes
 * them.
 */
export function merge(statements: Statements, { rows, tombstones }: Facts, nowMs: number): Merged {
  let removed = 0;
  for (const tombstone of tombstones) removed += takeTombstone(statements, tombstone);
  const wanted = bySession(rows).filter(([{ sessionId }]) => !statements.isSessionDeleted(sessionId));
  return { inserted: append(statements, { rows: wanted.flat() }, nowMs, true).written, removed };
}

/** @returns how many atoms it removed. */
function takeTombstone(statements: Statements, { sessionId, id, deletedAtMs }: Tombstone): number {
  if (statements.isSessionDeleted(sessionId)) return 0;
  const head = statements.selectHead(sessionId);
  if (id === NIL_ID) {
    statements.deleteSession(sessionId, deletedAtMs);
    return head?.atomCount ?? 0;
  }
  statements.insertTombstone(sessionId, id, deletedAtMs);
  const deleted = statements.deleteAtom(sessionId, id);
  if (head === undefined || deleted === undefined) return 0;
  bury(statements, head, [deleted], deletedAtMs);
  return 1;
}
