/** The steps of a write, inside a transaction that somebody else begins and commits. */
import {
  addRemoved,
  assertNotOverruled,
  assertUnchanged,
  assertWritable,
  bySession,
  conflictingAtom,
  headAfterDelete,
  headAfterInsert,
  isSameAtom,
  NIL_ID,
  NOTHING_REMOVED,
  type AtomRow,
  type AtomWrite,
  type DeletedAtom,
  type Deletion,
  type Removed,
  type SessionHead,
  type SessionWrite,
} from "@rivet/memory-core";
import type { Statements } from "./statements.ts";

/** What a write did, without the receipt. */
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

/** Inserts the rows, session by session, and maintains the heads. Throws before or after changes: the caller undoes them. */
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
  const before = statements.selectHead(sessionId);
  assertWritable(session, before, () => statements.isSessionDeleted(sessionId));

  let head = before;
  let isChange = false;
  if (head !== undefined && session.clearThroughId !== undefined) {
    const cleared = statements.deleteClearedMessages(sessionId, session);
    head = bury(statements, head, cleared, nowMs);
    isChange = cleared.length > 0;
  }
  const { inserted, alreadyThere } = insert(statements, rows);
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

function insert(statements: Statements, rows: readonly AtomRow[]): { inserted: AtomRow[]; alreadyThere: AtomRow[] } {
  const inserted: AtomRow[] = [];
  const alreadyThere: AtomRow[] = [];
  for (const row of rows) {
    if (statements.insertAtom(row)) {
      inserted.push(row);
      continue;
    }
    const stored = statements.selectAtom(row.sessionId, row.id);
    // Otherwise the id has a tombstone, which wins over an atom that arrives late.
    if (stored === undefined) continue;
    if (!isSameAtom(stored, row)) throw conflictingAtom(row);
    alreadyThere.push(row);
  }
  return { inserted, alreadyThere };
}

/** Leaves tombstones for rows that were deleted, and writes the head that follows. */
export function bury(
  statements: Statements,
  head: SessionHead,
  deleted: readonly DeletedAtom[],
  nowMs: number,
): SessionHead | undefined {
  const { sessionId } = head;
  for (const { id } of deleted) statements.insertTombstone(sessionId, id, nowMs);
  if (deleted.length === 0) return head;
  statements.recordErasure();
  const next = headAfterDelete(head, deleted, {
    lastAtomId: statements.selectLastAtomId(sessionId),
    earliestMs: () => statements.selectEarliestMs(sessionId),
    metadata: () => statements.selectMetadata(sessionId),
  });
  if (next === undefined) statements.deleteHead(sessionId);
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
  const head = statements.selectHead(deletion.sessionId, deletion.userId);
  if (head === undefined) return NOTHING_REMOVED;
  if (deletion.scope === "session") return removeSession(statements, head, nowMs);

  const deleted = deletion.ids
    .map((id) => statements.deleteAtom(head.sessionId, id))
    .filter((atom) => atom !== undefined);
  // Ids that are not there get a tombstone too: they may be on their way.
  for (const id of deletion.ids) statements.insertTombstone(head.sessionId, id, nowMs);
  const next = bury(statements, head, deleted, nowMs);
  const messages = head.messageCount - (next?.messageCount ?? 0);
  return { sessions: 0, atoms: deleted.length, messages };
}

function removeSession(statements: Statements, head: SessionHead, nowMs: number): Removed {
  statements.deleteSession(head.sessionId, nowMs);
  return { sessions: 1, atoms: head.atomCount, messages: head.messageCount };
}
