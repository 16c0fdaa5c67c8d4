import {
  assertMergeable,
  bySession,
  isConcerned,
  NIL_ID,
  UNKNOWN_OWNER,
  type AtomRow,
  type Facts,
  type Merged,
  type Tombstone,
} from "@rivet/memory-core";
import { append, claimOf, headWithout } from "./append.ts";
import type { Statements } from "./statements.ts";

/**
 * Takes what another store knows: tombstones first, which win over the rows of their owners. Throws before or after
 * changes: the caller undoes them.
 */
export function merge(statements: Statements, { rows, tombstones }: Facts, nowMs: number): Merged {
  let removed = 0;
  for (const tombstone of tombstones) removed += takeTombstone(statements, tombstone);
  const wanted = bySession(rows).flatMap((group) => wantedOf(statements, group));
  return { inserted: append(statements, { rows: wanted }, nowMs, true).written, removed };
}

/** The rows of one session whose users have not deleted it. */
function wantedOf(statements: Statements, rows: readonly [AtomRow, ...AtomRow[]]): AtomRow[] {
  const [{ sessionId }] = rows;
  const owners = statements.selectOwners({ sessionId, id: NIL_ID });
  const wanted = rows.filter(({ userId }) => !owners.some((owner) => isConcerned(owner, userId)));
  const claim = claimOf(statements.selectStoredHead(sessionId));
  for (const row of wanted) assertMergeable(row, claim);
  return wanted;
}

/** @returns how many atoms it removed. */
function takeTombstone(statements: Statements, tombstone: Tombstone): number {
  const { sessionId, id, owner } = tombstone;
  const deletedFor = statements.selectOwners({ sessionId, id: NIL_ID });
  if (deletedFor.includes(owner) || deletedFor.includes(UNKNOWN_OWNER)) return 0;
  statements.insertTombstone(tombstone);
  const head = statements.selectStoredHead(sessionId);
  const { userId } = claimOf(head);
  // Atoms of another user stay.
  if (head === undefined || userId === undefined || !isConcerned(owner, userId)) return 0;
  if (id === NIL_ID) {
    statements.deleteSession(sessionId);
    return head.atomCount;
  }
  const deleted = statements.deleteAtom(sessionId, id);
  if (deleted === undefined) return 0;
  headWithout(statements, head, [deleted]);
  return 1;
}
