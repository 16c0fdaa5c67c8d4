/** The checks of every store before a write, and the errors that refuse it. */
import { lastIdWithinLead, NIL_ID } from "../atom/atom-id.ts";
import { MemoryError } from "../errors/errors.ts";
import { SESSION_METADATA } from "../atom/atom.ts";
import { isHistoryUnchanged, type SessionHead } from "./head.ts";
import { metadataDecidedAfter } from "./metadata-projection.ts";
import { isConcerned } from "./owner.ts";
import { shownText } from "../atom/serialization.ts";
import type { AtomRow } from "./atom-row.ts";
import type { AtomKey, SessionWrite } from "./storage-hooks.ts";
import { aheadId } from "../atom/validation.ts";

/**
 * The owner of a session id, as a store keeps it next to the atoms: the user who wrote to it first. It outlives the
 * atoms, so that no other user can take over an id that is still in use elsewhere.
 */
export interface SessionClaim {
  /** The owner, even of a session without atoms; undefined when there is none, or it is no longer known. */
  readonly userId: string | undefined;
  /**
   * Whether the session or its user was deleted: then only tombstones record the owner, and no user may write to it.
   */
  readonly isDeleted: boolean;
}

/** The claim of a session id that no user has written to in this store. */
export const UNCLAIMED: SessionClaim = { userId: undefined, isDeleted: false };

/** The claim of a deleted session, or of a session of a deleted user. */
export const CLAIM_OF_DELETED: SessionClaim = { userId: undefined, isDeleted: true };

/**
 * Checks that a user may write to a session.
 *
 * @param session The session and the user who writes to it.
 * @param claim The owner before the write.
 * @param deletedFor Returns the owners of the tombstones of the whole session; called only when the session is
 *   unclaimed.
 * @throws {MemoryError} `not_found` for a deleted session, `permission` for a session of another user.
 */
export function assertWritable(
  session: Pick<SessionWrite, "sessionId" | "userId">,
  claim: SessionClaim,
  deletedFor: () => Iterable<string>,
): void {
  if (claim.isDeleted) throw deletedSession(session);
  if (claim.userId === undefined) {
    for (const owner of deletedFor()) if (isConcerned(owner, session.userId)) throw deletedSession(session);
  } else if (claim.userId !== session.userId) throw foreignSession(session);
}

/**
 * Checks rows of another store, without those that tombstones name. The remaining rows are not late, so if the session
 * is deleted, it belonged to another user.
 *
 * @throws {MemoryError} `permission` for a session of another user, even a deleted one.
 */
export function assertMergeable(row: Pick<AtomRow, "sessionId" | "userId">, claim: SessionClaim): void {
  if (claim.isDeleted || (claim.userId !== undefined && claim.userId !== row.userId)) throw foreignSession(row);
}

/**
 * Checks `expectedHistoryXor` for a write that changes something.
 *
 * @param head The session's head before the write.
 * @param alreadyThere The rows of the write that the store already has, in id order.
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

/**
 * Refuses a change of session metadata that would have no effect, because an id ahead of the clock determines the key.
 * This rule applies only to saves; merged facts are never refused for being late.
 *
 * @param head The session's head before the write.
 * @param inserted The new rows of the write.
 * @param nowMs The wall clock, in milliseconds since 1970.
 * @throws {MemoryError} `conflict` with the key, and the id with its time.
 */
export function assertNotOverruled(
  head: Pick<SessionHead, "sessionId" | "metadataIds"> | undefined,
  inserted: readonly AtomRow[],
  nowMs: number,
): void {
  if (head === undefined || !inserted.some(({ memoryType }) => memoryType === SESSION_METADATA)) return;
  const decided = metadataDecidedAfter(lastIdWithinLead(nowMs), head, inserted);
  if (decided !== undefined) {
    const [key, id] = decided;
    throw overruledChange({ sessionId: head.sessionId, key, id }, nowMs);
  }
}

/** Groups the rows of a write, which are sorted by session, by session. */
export function bySession(rows: readonly AtomRow[]): [AtomRow, ...AtomRow[]][] {
  const groups: [AtomRow, ...AtomRow[]][] = [];
  for (const row of rows) {
    const group = groups.at(-1);
    if (group?.[0].sessionId === row.sessionId) group.push(row);
    else groups.push([row]);
  }
  return groups;
}

/** The error for an id that already belongs to an atom with other content. */
export function conflictingAtom(row: Pick<AtomRow, "sessionId" | "id">): MemoryError {
  const sessionId = shownText(row.sessionId);
  return new MemoryError({
    code: "conflict",
    message: `atom ${row.id} of session ${JSON.stringify(sessionId)} exists with other content; atoms never change: save new content under a new id`,
    sessionId,
    atomId: row.id,
    outcome: "not_applied",
  });
}

/** The error for a metadata key that cannot change while an id is ahead of the clock. */
export function overruledChange(
  { sessionId: encoded, key, id }: AtomKey & { readonly key: string },
  nowMs: number,
): MemoryError {
  const sessionId = shownText(encoded);
  const place = `metadata ${JSON.stringify(shownText(key))} of session ${JSON.stringify(sessionId)}`;
  return new MemoryError({
    code: "conflict",
    message: `${place} cannot change: it was set under the id ${aheadId(id, nowMs)}, and the change with the greatest id wins. Delete that atom, or use another key`,
    sessionId,
    atomId: id,
    outcome: "not_applied",
  });
}

/** The error for a session of another user. */
export function foreignSession(row: Pick<AtomRow, "sessionId">): MemoryError {
  const sessionId = shownText(row.sessionId);
  return new MemoryError({
    code: "permission",
    message: `session ${JSON.stringify(sessionId)} belongs to another user; use another session id`,
    sessionId,
    outcome: "not_applied",
  });
}

/** The error for a session with a tombstone. */
export function deletedSession(row: Pick<AtomRow, "sessionId">): MemoryError {
  const sessionId = shownText(row.sessionId);
  return new MemoryError({
    code: "not_found",
    message: `session ${JSON.stringify(sessionId)} was deleted, and its id is never used again; start a new session`,
    sessionId,
    outcome: "not_applied",
  });
}

/** The error for a session that another writer changed, when the save required it to be unchanged. */
export function changedSession(row: Pick<AtomRow, "sessionId">): MemoryError {
  const sessionId = shownText(row.sessionId);
  return new MemoryError({
    code: "conflict",
    message: `session ${JSON.stringify(sessionId)} was changed by another writer; call refresh(), check the changes, and save again`,
    sessionId,
    outcome: "not_applied",
  });
}
