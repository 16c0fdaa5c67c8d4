/** The steps of a write, inside a transaction that somebody else begins and commits. */
import {
  addRemoved,
  assertNotOverruled,
  assertUnchanged,
  assertWritable,
  bySession,
  CLAIM_OF_DELETED,
  conflictingAtom,
  headAfterDelete,
  headAfterInsert,
  isConcerned,
  isSameAtom,
  NIL_ID,
  NOTHING_REMOVED,
  ownerOf,
  UNCLAIMED,
  type AtomRow,
  type AtomWrite,
  type DeletedAtom,
  type Deletion,
  type Removed,
  type SessionClaim,
  type SessionHead,
  type SessionWrite,
} from "@rivet/memory-core";
import type { Statements } from "./statements.ts";

/** The result of a write, without the receipt. */
export interface Written {
  readonly written: number;
  /** The version of the history of the last session written to. */
  readonly historyXor: string;
}

/** Rows of one session, on their way into it. */
interface SessionAppend {
  readonly session: SessionWrite;
  readonly rows: readonly AtomRow[];
  /** Whether another store has accepted them: then no change of metadata is refused. */
  readonly isMerge: boolean;
}

/**
 * Inserts the rows, session by session, and maintains the heads. Throws before or after changes: the caller undoes
 * them.
 */
export function append(statements: Statements, write: AtomWrite, nowMs: number, isMerge = false): Written {
  const { session } = write;
  if (session !== undefined) return appendToSession(statements, { session, rows: write.rows, isMerge }, nowMs);
  let written = 0;
  let historyXor = NIL_ID;
  for (const rows of bySession(write.rows)) {
    const { sessionId, userId } = rows[0];
    const result = appendToSession(statements, { session: { sessionId, userId }, rows, isMerge }, nowMs);
    written += result.written;
    historyXor = result.historyXor;
  }
  return { written, historyXor };
}

function appendToSession(statements: Statements, { session, rows, isMerge }: SessionAppend, nowMs: number): Written {
  const { sessionId } = session;
  const stored = statements.selectStoredHead(sessionId);
  assertWritable(session, claimOf(stored), () => statements.selectOwners({ sessionId, id: NIL_ID }));
  const before = stored?.atomCount === 0 ? undefined : stored;

  let head = before;
  let isChange = false;
  if (head !== undefined && session.clearThroughId !== undefined) {
    const cleared = statements.deleteClearedMessages(sessionId, session);
    head = bury(statements, head, cleared, nowMs);
    isChange = cleared.length > 0;
  }
  const { inserted, alreadyThere } = insert(statements, sessionId, rows);
  isChange ||= inserted.length > 0;
  if (isChange) assertUnchanged(session, before, alreadyThere);
  if (!isMerge) assertNotOverruled(before, inserted, nowMs);
  const [first, ...others] = inserted;
  if (first !== undefined) {
    head = headAfterInsert(head, [first, ...others]);
    statements.upsertHead(head);
  }
  return { written: inserted.length, historyXor: head?.historyXor ?? NIL_ID };
}

function insert(
  statements: Statements,
  sessionId: string,
  rows: readonly AtomRow[],
): { inserted: AtomRow[]; alreadyThere: AtomRow[] } {
  const inserted: AtomRow[] = [];
  const alreadyThere: AtomRow[] = [];
  const hasTombstones = statements.hasTombstones(sessionId);
  for (const row of rows) {
    // A tombstone of its owner wins over an atom that arrives late.
    if (hasTombstones && statements.selectOwners(row).some((owner) => isConcerned(owner, row.userId))) continue;
    if (statements.insertAtom(row)) {
      inserted.push(row);
      continue;
    }
    const stored = statements.selectAtom(sessionId, row.id);
    if (stored === undefined || !isSameAtom(stored, row)) throw conflictingAtom(row);
    alreadyThere.push(row);
  }
  return { inserted, alreadyThere };
}

/** The owner of a session id, derived from its stored head. */
export function claimOf(stored: SessionHead | undefined): SessionClaim {
  if (stored === undefined) return UNCLAIMED;
  return stored.userId === "" ? CLAIM_OF_DELETED : { userId: stored.userId, isDeleted: false };
}

/** Leaves tombstones for rows that were deleted, and writes the head that follows. */
function bury(
  statements: Statements,
  head: SessionHead,
  deleted: readonly DeletedAtom[],
  nowMs: number,
): SessionHead | undefined {
  const { sessionId, userId } = head;
  addTombstones(statements, { sessionId, userId }, deleted, nowMs);
  return headWithout(statements, head, deleted);
}

function addTombstones(
  statements: Statements,
  { sessionId, userId }: Pick<SessionHead, "sessionId" | "userId">,
  atoms: readonly Pick<DeletedAtom, "id">[],
  deletedAtMs: number,
): void {
  if (atoms.length === 0) return;
  const owner = ownerOf(userId);
  for (const { id } of atoms) statements.insertTombstone({ sessionId, id, owner, deletedAtMs });
}

/** Writes the head that follows when atoms were deleted; without any it only says whose the session is. */
export function headWithout(
  statements: Statements,
  head: SessionHead,
  deleted: readonly DeletedAtom[],
): SessionHead | undefined {
  const { sessionId } = head;
  if (deleted.length === 0) return head;
  statements.recordErasure();
  const next = headAfterDelete(head, deleted, {
    lastAtomId: statements.selectLastAtomId(sessionId),
    earliestMs: () => statements.selectEarliestMs(sessionId),
    metadata: () => statements.selectMetadata(sessionId),
  });
  if (next === undefined) statements.emptyHead(sessionId);
  else statements.upsertHead(next);
  return next;
}

export function remove(statements: Statements, deletion: Deletion, nowMs: number): Removed {
  if (deletion.scope === "user") {
    return statements
      .selectHeadsOfUser(deletion.userId)
      .map((head) => removeSession(statements, head, nowMs))
      .reduce(addRemoved, NOTHING_REMOVED);
  }
  const head = statements.selectStoredHead(deletion.sessionId);
  const { userId } = claimOf(head);
  if (head === undefined || userId === undefined || (deletion.userId ?? userId) !== userId) return NOTHING_REMOVED;
  if (deletion.scope === "session") return removeSession(statements, head, nowMs);

  const deleted = deletion.ids
    .map((id) => statements.deleteAtom(head.sessionId, id))
    .filter((atom) => atom !== undefined);
  // Ids that are not there get a tombstone too: they may be on their way.
  const ids = deletion.ids.map((id) => ({ id }));
  addTombstones(statements, head, ids, nowMs);
  const next = headWithout(statements, head, deleted);
  const messages = head.messageCount - (next?.messageCount ?? 0);
  return { sessions: 0, atoms: deleted.length, messages };
}

function removeSession(statements: Statements, head: SessionHead, nowMs: number): Removed {
  statements.deleteSession(head.sessionId);
  addTombstones(statements, head, [{ id: NIL_ID }], nowMs);
  // A session without atoms is shown to nobody, and does not count.
  return { sessions: head.atomCount === 0 ? 0 : 1, atoms: head.atomCount, messages: head.messageCount };
}
