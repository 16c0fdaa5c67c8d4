/** What every store checks in a write, and how it refuses. */
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
 * Whom a session id belongs to, as a store remembers it beside the atoms: whoever wrote to it first. It outlives the atoms, so
 * that nobody else takes over an id that others still know.
 */
export interface SessionClaim {
  /** The owner, also of a session whose atoms are all gone; undefined when there is none, or nobody knows any more. */
  readonly userId: string | undefined;
  /** Whether its owner deleted it or was erased: then only tombstones remember whose it was, and nobody may write to it. */
  readonly isDeleted: boolean;
}

/** Of a session id that nobody has written to in this store. */
export const UNCLAIMED: SessionClaim = { userId: undefined, isDeleted: false };

/** Of a session that its owner deleted, or that went with its user. */
export const CLAIM_OF_DELETED: SessionClaim = { userId: undefined, isDeleted: true };

/**
 * @param session the session, and who writes to it.
 * @param claim whose it is before the write.
 * @param deletedFor the owners of the tombstones of the whole session; asked only when nobody has claimed it.
 * @throws {MemoryError} `not_found` for a deleted session, `permission` for one of another user.
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
 * The same for rows that another store gives, without those that tombstones name: they are not late, so that a session that is
 * deleted was somebody else's.
 *
 * @throws {MemoryError} `permission` for a session of another user, also for one that was deleted.
 */
export function assertMergeable(row: Pick<AtomRow, "sessionId" | "userId">, claim: SessionClaim): void {
  if (claim.isDeleted || (claim.userId !== undefined && claim.userId !== row.userId)) throw foreignSession(row);
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

/**
 * Refuses a change of session metadata that would have no effect, as the key was decided under an id that is ahead of the
 * clock. It is a rule of saves alone: what stores merge is never refused for being late.
 *
 * @param head the session's head before the write.
 * @param inserted the rows of the write that are new.
 * @param nowMs the wall clock, in milliseconds since 1970.
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
  const sessionId = shownText(row.sessionId);
  return new MemoryError({
    code: "conflict",
    message: `atom ${row.id} of session ${JSON.stringify(sessionId)} exists with other content; atoms never change: save new content under a new id`,
    sessionId,
    atomId: row.id,
    outcome: "not_applied",
  });
}

/** A key of the session's metadata cannot be changed for as long as an id is ahead of the clock. */
export function overruledChange(
  { sessionId: encoded, key, id }: AtomKey & { readonly key: string },
  nowMs: number,
): MemoryError {
  const sessionId = shownText(encoded);
  const place = `metadata ${JSON.stringify(shownText(key))} of session ${JSON.stringify(sessionId)}`;
  return new MemoryError({
    code: "conflict",
    message: `${place} cannot change: it was set under the id ${aheadId(id, nowMs)}, and the greatest id decides. Delete that atom, or use another key`,
    sessionId,
    atomId: id,
    outcome: "not_applied",
  });
}

/** The session has another owner. */
export function foreignSession(row: Pick<AtomRow, "sessionId">): MemoryError {
  const sessionId = shownText(row.sessionId);
  return new MemoryError({
    code: "permission",
    message: `session ${JSON.stringify(sessionId)} belongs to another user; use another session id`,
    sessionId,
    outcome: "not_applied",
  });
}

/** The session has a tombstone. */
export function deletedSession(row: Pick<AtomRow, "sessionId">): MemoryError {
  const sessionId = shownText(row.sessionId);
  return new MemoryError({
    code: "not_found",
    message: `session ${JSON.stringify(sessionId)} was deleted; its id is never used again: start a new session`,
    sessionId,
    outcome: "not_applied",
  });
}

/** Another writer changed the session, and the save asked for that not to be. */
export function changedSession(row: Pick<AtomRow, "sessionId">): MemoryError {
  const sessionId = shownText(row.sessionId);
  return new MemoryError({
    code: "conflict",
    message: `session ${JSON.stringify(sessionId)} was changed by another writer; refresh() it, decide again, and save`,
    sessionId,
    outcome: "not_applied",
  });
}
