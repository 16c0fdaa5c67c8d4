/** What every store checks in a write, and how it refuses. */
import { NIL_ID } from "./atom-id.ts";
import { MemoryError } from "./errors.ts";
import { isHistoryUnchanged, type SessionHead } from "./head.ts";
import { decodeText } from "./serialization.ts";
import type { AtomRow, SessionWrite } from "./storage-hooks.ts";

/**
 * @param head the session's head before the write.
 * @param isDeleted whether the session has a tombstone; asked only when it has no head.
 * @throws {MemoryError} `not_found` for a deleted session, `permission` for one of another user.
 */
export function assertWritable(session: SessionWrite, head: SessionHead | undefined, isDeleted: () => boolean): void {
  if (head === undefined) {
    if (isDeleted()) throw deletedSession(session);
  } else if (head.userId !== session.userId) throw foreignSession(session);
}

/**
 * For a write that changes something.
 *
 * @param head the session's head before the write.
 * @param alreadyThere the rows of the write that the store has already, in id order.
 * @throws {MemoryError} `conflict` when `expectedHistoryXor` is set and another writer changed the session.
 */
export function assertUnchanged(
  session: SessionWrite,
  head: SessionHead | undefined,
  alreadyThere: readonly AtomRow[],
): void {
  const { expectedHistoryXor } = session;
  if (expectedHistoryXor === undefined) return;
  if (isHistoryUnchanged(head?.historyXor ?? NIL_ID, expectedHistoryXor, alreadyThere)) return;
  throw changedSession(session);
}

/** The rows of a write, which are sorted by session, as one group a session. */
export function bySession(rows: readonly AtomRow[]): [AtomRow, ...AtomRow[]][] {
  const groups: [AtomRow, ...AtomRow[]][] = [];
  for (const row of rows) {
    const group = groups.at(-1);
    if (group?.[0].sessionId === row.sessionId) group.push(row);
    else groups.push([row]);
  }
  return groups;
}

/** The id is taken by an atom that says something else. */
export function conflictingAtom(row: Pick<AtomRow, "sessionId" | "id">): MemoryError {
  const sessionId = decodeText(row.sessionId);
  return new MemoryError({
    code: "conflict",
    message: `atom ${row.id} of session ${JSON.stringify(sessionId)} exists with other content; atoms never change: save new content under a new id`,
    sessionId,
    atomId: row.id,
    outcome: "not_applied",
  });
}

/** The session has another owner. */
export function foreignSession(row: Pick<AtomRow, "sessionId">): MemoryError {
  const sessionId = decodeText(row.sessionId);
  return new MemoryError({
    code: "permission",
    message: `session ${JSON.stringify(sessionId)} belongs to another user; use another session id`,
    sessionId,
    outcome: "not_applied",
  });
}

/** The session has a tombstone. */
export function deletedSession(row: Pick<AtomRow, "sessionId">): MemoryError {
  const sessionId = decodeText(row.sessionId);
  return new MemoryError({
    code: "not_found",
    message: `session ${JSON.stringify(sessionId)} was deleted; its id is never used again: start a new session`,
    sessionId,
    outcome: "not_applied",
  });
}

/** Another writer changed the session, and the save asked for that not to be. */
export function changedSession(row: Pick<AtomRow, "sessionId">): MemoryError {
  const sessionId = decodeText(row.sessionId);
  return new MemoryError({
    code: "conflict",
    message: `session ${JSON.stringify(sessionId)} was changed by another writer; refresh() it, decide again, and save`,
    sessionId,
    outcome: "not_applied",
  });
}
