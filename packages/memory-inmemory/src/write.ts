/** Writes and deletions. All checks run before anything is changed. */
import {
  addRemoved,
  assertMergeable,
  assertNotOverruled,
  assertUnchanged,
  assertWritable,
  bySession,
  conflictingAtom,
  headAfterDelete,
  headAfterInsert,
  isCleared,
  isConcerned,
  isSameAtom,
  NIL_ID,
  NOTHING_REMOVED,
  ownerOf,
  roleOf,
  SESSION_METADATA,
  type AtomRow,
  type AtomWrite,
  type Deletion,
  type Facts,
  type Merged,
  type Removed,
  type SessionHead,
  type SessionWrite,
  type Tombstone,
} from "@rivet/memory-core";
import { atCapacity } from "./errors.ts";
import type { Memory, StoredSession } from "./memory.ts";
import { Tombstones } from "./tombstones.ts";

/** The planned changes of a write to one session. */
interface Plan {
  readonly sessionId: string;
  readonly clears: readonly AtomRow[];
  readonly inserts: readonly AtomRow[];
}

/** @returns the number of new atoms, and the version of the history of the last session. */
export function write(
  memory: Memory,
  { session, rows }: AtomWrite,
  maxAtoms: number,
  nowMs: number,
): { written: number; historyXor: string } {
  const plans =
    session === undefined
      ? bySession(rows).map((group) => plan(memory, { sessionId: group[0].sessionId, userId: group[0].userId }, group))
      : [plan(memory, session, rows)];
  for (const { sessionId, inserts } of plans)
    assertNotOverruled(memory.sessions.byId.get(sessionId)?.head, inserts, nowMs);
  return applyAll(memory, plans, maxAtoms, nowMs);
}

function applyAll(
  memory: Memory,
  plans: readonly Plan[],
  maxAtoms: number,
  nowMs: number,
): { written: number; historyXor: string } {
  const written = plans.reduce((sum, { inserts }) => sum + inserts.length, 0);
  const cleared = plans.reduce((sum, { clears }) => sum + clears.length, 0);
  if (memory.atomCount - cleared + written > maxAtoms) throw atCapacity(maxAtoms);
  let historyXor = NIL_ID;
  for (const step of plans) historyXor = apply(memory, step, nowMs);
  return { written, historyXor };
}

function plan(memory: Memory, target: SessionWrite, rows: readonly AtomRow[]): Plan {
  const { sessionId } = target;
  const session = memory.sessions.byId.get(sessionId);
  assertWritable(target, memory.claimOf(sessionId), () => memory.tombstones.deletedFor(sessionId));

  const alreadyThere: AtomRow[] = [];
  const inserts: AtomRow[] = [];
  for (const row of rows) {
    const stored = session?.atoms.get(row.id);
    if (stored !== undefined) {
      if (!isSameAtom(stored, row)) throw conflictingAtom(row);
      alreadyThere.push(row);
    } else if (!memory.tombstones.isBuried(sessionId, row.id, row.userId)) inserts.push(row);
  }
  const clears = session === undefined || target.clearThroughId === undefined ? [] : clearedBy(target, session);
  if (clears.length > 0 || inserts.length > 0) assertUnchanged(target, session?.head, alreadyThere);
  return { sessionId, clears, inserts };
}

function clearedBy(target: SessionWrite, session: StoredSession): AtomRow[] {
  return Array.from(session.atoms.values()).filter((row) => isMessage(row) && isCleared(row.id, target));
}

function isMessage({ memoryType }: AtomRow): boolean {
  return roleOf(memoryType) !== undefined;
}

/** @returns the version of the session's history. */
function apply(memory: Memory, { sessionId, clears, inserts }: Plan, nowMs: number): string {
  const session = memory.sessions.byId.get(sessionId);
  if (session !== undefined) bury(memory, session, clears, nowMs);
  const [first, ...others] = inserts;
  const head = memory.sessions.byId.get(sessionId)?.head;
  if (first === undefined) return head?.historyXor ?? NIL_ID;
  const written = memory.setHead(headAfterInsert(head, [first, ...others]));
  for (const row of inserts) memory.addAtom(written, row);
  return written.head.historyXor;
}

/**
 * Deletes atoms, adds their tombstones, and updates the session's head. A session without atoms keeps only its owner.
 */
function bury(memory: Memory, session: StoredSession, rows: readonly AtomRow[], nowMs: number): void {
  if (rows.length === 0) return;
  const { sessionId, userId } = session.head;
  addTombstones(memory, { sessionId, userId }, rows, nowMs);
  takeOut(memory, session, rows);
}

function addTombstones(
  memory: Memory,
  { sessionId, userId }: Pick<AtomRow, "sessionId" | "userId">,
  atoms: readonly Pick<AtomRow, "id">[],
  deletedAtMs: number,
): void {
  const owner = ownerOf(userId);
  for (const { id } of atoms) memory.tombstones.add({ sessionId, id, owner, deletedAtMs });
}

/** Removes atoms whose tombstones already exist. */
function takeOut(memory: Memory, session: StoredSession, rows: readonly AtomRow[]): void {
  for (const row of rows) memory.removeAtom(session, row);
  const head = headAfterDelete(session.head, rows, {
    lastAtomId: session.atoms.lastKey(),
    earliestMs: () => [...session.atoms.values()].reduce((least, row) => Math.min(least, row.createdAtMs), Infinity),
    metadata: () => [...session.atoms.values()].filter(({ memoryType }) => memoryType === SESSION_METADATA),
  });
  if (head === undefined) memory.emptySession(session);
  else memory.setHead(head);
}

export function remove(memory: Memory, deletion: Deletion, nowMs: number): Removed {
  if (deletion.scope === "user") {
    const { userId } = deletion;
    const { heads, emptied } = memory.removeUser(userId);
    for (const sessionId of [...heads.map((head) => head.sessionId), ...emptied]) {
      addTombstones(memory, { sessionId, userId }, [{ id: NIL_ID }], nowMs);
    }
    return heads.map(removedWith).reduce(addRemoved, NOTHING_REMOVED);
  }
  const { sessionId } = deletion;
  const { userId } = memory.claimOf(sessionId);
  if (userId === undefined || (deletion.userId ?? userId) !== userId) return NOTHING_REMOVED;
  if (deletion.scope === "session") {
    const head = memory.removeSession(sessionId, userId);
    addTombstones(memory, { sessionId, userId }, [{ id: NIL_ID }], nowMs);
    return head === undefined ? NOTHING_REMOVED : removedWith(head);
  }

  // Ids that are not stored get a tombstone too, because their atoms may arrive later.
  const ids = deletion.ids.map((id) => ({ id }));
  addTombstones(memory, { sessionId, userId }, ids, nowMs);
  const session = memory.session(sessionId, userId);
  if (session === undefined) return NOTHING_REMOVED;
  const rows = deletion.ids.map((id) => session.atoms.get(id)).filter((row) => row !== undefined);
  if (rows.length > 0) takeOut(memory, session, rows);
  return { sessions: 0, atoms: rows.length, messages: rows.filter(isMessage).length };
}

function removedWith({ atomCount, messageCount }: SessionHead): Removed {
  return { sessions: 1, atoms: atomCount, messages: messageCount };
}

/** Merges facts of another store: tombstones first, which win over the rows of their owners. */
export function merge(memory: Memory, { rows, tombstones }: Facts, maxAtoms: number, nowMs: number): Merged {
  const given = new Tombstones();
  for (const tombstone of tombstones) given.add(tombstone);
  const wanted = rows.filter(
    ({ sessionId, id, userId }) =>
      !memory.tombstones.isBuried(sessionId, id, userId) && !given.isBuried(sessionId, id, userId),
  );
  // Runs all checks before anything is changed.
  for (const [row] of bySession(wanted)) assertMergeable(row, memory.claimOf(row.sessionId));
  const plansOf = (): Plan[] => bySession(wanted).map((group) => plan(memory, group[0], group));
  plansOf();
  let removed = 0;
  for (const tombstone of tombstones) removed += takeTombstone(memory, tombstone);
  return { inserted: applyAll(memory, plansOf(), maxAtoms, nowMs).written, removed };
}

/** @returns the number of removed atoms. */
function takeTombstone(memory: Memory, tombstone: Tombstone): number {
  const { sessionId, id, owner } = tombstone;
  const { userId } = memory.claimOf(sessionId);
  memory.tombstones.add(tombstone);
  if (userId === undefined || !isConcerned(owner, userId)) return 0;
  if (id === NIL_ID) return memory.removeSession(sessionId, userId)?.atomCount ?? 0;
  const session = memory.sessions.byId.get(sessionId);
  const row = session?.atoms.get(id);
  if (session === undefined || row === undefined) return 0;
  takeOut(memory, session, [row]);
  return 1;
}
