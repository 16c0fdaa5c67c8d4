/** Writes and deletions: everything is decided before anything is changed. */
import {
  addRemoved,
  assertNotOverruled,
  assertUnchanged,
  assertWritable,
  bySession,
  conflictingAtom,
  headAfterDelete,
  headAfterInsert,
  isCleared,
  isSameAtom,
  NIL_ID,
  NOTHING_REMOVED,
  roleOf,
  SESSION_METADATA,
  type AtomRow,
  type AtomWrite,
  type Deletion,
  type Facts,
  type Merged,
  type Removed,
  type SessionWrite,
} from "@rivet/memory-core";
import { atCapacity } from "./errors.ts";
import type { Memory, StoredSession } from "./memory.ts";

/** What a write will do to one session. */
interface Plan {
  readonly sessionId: string;
  readonly clears: readonly AtomRow[];
  readonly inserts: readonly AtomRow[];
}

/** @returns how many atoms were new, and the version of the history of the last session. */
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
  assertWritable(target, session?.head, () => memory.isSessionDeleted(sessionId));

  const alreadyThere: AtomRow[] = [];
  const inserts: AtomRow[] = [];
  for (const row of rows) {
    const stored = session?.atoms.get(row.id);
    if (stored !== undefined) {
      if (!isSameAtom(stored, row)) throw conflictingAtom(row);
      alreadyThere.push(row);
    } else if (!memory.isAtomDeleted(sessionId, row.id)) inserts.push(row);
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

/** Removes atoms, leaves tombstones, and gives the session the head that follows; none is left without atoms. */
function bury(memory: Memory, session: StoredSession, rows: readonly AtomRow[], nowMs: number): void {
  if (rows.length === 0) return;
  for (const row of rows) memory.removeAtom(session, row);
  memory.bury(
    session.head.sessionId,
    rows.map(({ id }) => id),
    nowMs,
  );
  const head = headAfterDelete(session.head, rows, {
    lastAtomId: session.atoms.lastKey(),
    earliestMs: () => [...session.atoms.values()].reduce((least, row) => Math.min(least, row.createdAtMs), Infinity),
    metadata: () => [...session.atoms.values()].filter(({ memoryType }) => memoryType === SESSION_METADATA),
  });
  if (head === undefined) memory.removeSession(session);
  else memory.setHead(head);
}

export function remove(memory: Memory, deletion: Deletion, nowMs: number): Removed {
  if (deletion.scope === "user") {
    const sessions = memory.removeUser(deletion.userId);
    return sessions.map((session) => buryWhole(memory, session, nowMs)).reduce(addRemoved, NOTHING_REMOVED);
  }
  const session = memory.session(deletion.sessionId, deletion.userId);
  if (session === undefined) return NOTHING_REMOVED;
  if (deletion.scope === "session") {
    memory.removeSession(session);
    return buryWhole(memory, session, nowMs);
  }

  // Ids that are not there get a tombstone too: they may be on their way.
  memory.bury(deletion.sessionId, deletion.ids, nowMs);
  const rows = deletion.ids.map((id) => session.atoms.get(id)).filter((row) => row !== undefined);
  bury(memory, session, rows, nowMs);
  return { sessions: 0, atoms: rows.length, messages: rows.filter(isMessage).length };
}

/** Leaves the tombstone of a session that was removed. */
function buryWhole(memory: Memory, { head }: StoredSession, nowMs: number): Removed {
  memory.bury(head.sessionId, [NIL_ID], nowMs);
  return { sessions: 1, atoms: head.atomCount, messages: head.messageCount };
}

/** Takes what another store knows: tombstones first, which win over rows. */
export function merge(memory: Memory, { rows, tombstones }: Facts, maxAtoms: number, nowMs: number): Merged {
  const isBuried = new Set(tombstones.map(({ sessionId, id }) => `${id} ${sessionId}`));
  const isWanted = ({ sessionId, id }: AtomRow): boolean =>
    !memory.isSessionDeleted(sessionId) &&
    !isBuried.has(`${NIL_ID} ${sessionId}`) &&
    !isBuried.has(`${id} ${sessionId}`);
  const wanted = rows.filter(isWanted);
  // Refuses what it has to before anything is changed.
  const plansOf = (): Plan[] => bySession(wanted).map((group) => plan(memory, group[0], group));
  plansOf();
  let removed = 0;
  for (const { sessionId, id, deletedAtMs } of tombstones) {
    const session = memory.sessions.byId.get(sessionId);
    const row = session?.atoms.get(id);
    if (session !== undefined && id === NIL_ID) {
      removed += session.head.atomCount;
      memory.removeSession(session);
    } else if (session !== undefined && row !== undefined) {
      removed += 1;
      bury(memory, session, [row], deletedAtMs);
    }
    memory.bury(sessionId, [id], deletedAtMs);
  }
  return { inserted: applyAll(memory, plansOf(), maxAtoms, nowMs).written, removed };
}
