import {
  roleOf,
  type AtomRow,
  type AtomSelection,
  type ExpiredAtom,
  type ExpiredSelection,
  type HeadSelection,
  type SessionHead,
  type Tombstone,
  type TombstoneSelection,
} from "@rivet/memory-core";
import { afterKeysOf, expiryKey, type Memory, type StoredSession } from "./memory.ts";
import { OrderedMap } from "./ordered-map.ts";

type Order = AtomSelection["order"];

/** A page of atoms: from the session's own atoms, or else merged from the atoms of each user and type. */
export function selectAtoms(memory: Memory, selection: AtomSelection): AtomRow[] {
  const { sessionId, userId, memoryTypes, ids, beforeId, afterId, order, limit } = selection;
  const { unexpiredAtMs = -Infinity, createdBeforeMs = Infinity } = selection;
  const isInTime = ({ expiresAtMs, createdAtMs }: AtomRow): boolean =>
    (expiresAtMs ?? Infinity) > unexpiredAtMs && createdAtMs < createdBeforeMs;
  const rows: AtomRow[] = [];
  if (sessionId !== undefined) {
    const session = memory.session(sessionId, userId);
    if (session === undefined) return rows;
    if (ids !== undefined)
      return ids
        .toSorted()
        .flatMap((id) => session.atoms.get(id) ?? [])
        .filter(isInTime);
    for (const [, row] of entriesWithin(session.atoms, order, beforeId, afterId)) {
      const isWanted = (memoryTypes?.includes(row.memoryType) ?? true) && isInTime(row);
      if (isWanted && rows.push(row) === limit) break;
    }
    return rows;
  }
  const afterKey = afterId === undefined ? undefined : afterKeysOf(afterId);
  const sources = treesOf(memory, userId, memoryTypes).map((atoms) => entriesWithin(atoms, order, beforeId, afterKey));
  for (const row of merge(sources, order)) if (isInTime(row) && rows.push(row) === limit) break;
  return rows;
}

export function selectExpired(memory: Memory, selection: ExpiredSelection): ExpiredAtom[] {
  const { atMs, userId, sessionId, after, limit } = selection;
  const users = userId === undefined ? [...memory.users.values()] : [memory.users.get(userId)];
  const afterKey = after && expiryKey(after);
  const sources = users.flatMap((user) => (user === undefined ? [] : [user.expiring.after(afterKey)]));
  const atoms: ExpiredAtom[] = [];
  for (const row of merge(sources, "oldest-first")) {
    if (row.expiresAtMs > atMs) break;
    if ((sessionId ?? row.sessionId) === row.sessionId && atoms.push(row) === limit) break;
  }
  return atoms;
}

function treesOf(
  memory: Memory,
  userId: string | undefined,
  memoryTypes: readonly string[] | undefined,
): OrderedMap<AtomRow>[] {
  const users = userId === undefined ? [...memory.users.values()] : [memory.users.get(userId)];
  return users.flatMap((user) => {
    if (user === undefined) return [];
    if (memoryTypes === undefined) return [...user.atomsByType.values()];
    return memoryTypes.map((type) => user.atomsByType.get(type)).filter((atoms) => atoms !== undefined);
  });
}

function* entriesWithin(
  atoms: OrderedMap<AtomRow>,
  order: Order,
  beforeKey: string | undefined,
  afterKey: string | undefined,
): Generator<[string, AtomRow]> {
  if (order === "newest-first") {
    for (const entry of atoms.before(beforeKey)) {
      if (afterKey !== undefined && entry[0] <= afterKey) return;
      yield entry;
    }
  } else {
    for (const entry of atoms.after(afterKey)) {
      if (beforeKey !== undefined && entry[0] >= beforeKey) return;
      yield entry;
    }
  }
}

/**
 * Merges sorted sources into one sorted sequence. The next value of a source is read only when its previous value is
 * yielded.
 */
function* merge<Row>(sources: readonly Iterator<[string, Row]>[], order: Order): Generator<Row> {
  const due = new OrderedMap<{ row: Row; source: Iterator<[string, Row]> }>();
  const advance = (source: Iterator<[string, Row]>): void => {
    const next = source.next();
    if (next.done !== true) due.set(next.value[0], { row: next.value[1], source });
  };
  sources.forEach(advance);
  for (;;) {
    const key = order === "newest-first" ? due.lastKey() : due.firstKey();
    const first = key === undefined ? undefined : due.get(key);
    if (key === undefined || first === undefined) return;
    due.delete(key);
    yield first.row;
    advance(first.source);
  }
}

/**
 * The messages of a session in id order: the last `lastMessages`, or those from `fromId` on, plus the leading system
 * messages.
 */
export function selectMessages(session: StoredSession, lastMessages: number | undefined, fromId = ""): AtomRow[] {
  const rows: AtomRow[] = [];
  for (const [id, row] of session.atoms.before(undefined)) {
    if (id < fromId) break;
    if (roleOf(row.memoryType) !== undefined && rows.push(row) === lastMessages) break;
  }
  rows.reverse();
  return [...leadingSystemMessages(session, rows[0]?.id), ...rows];
}

/** The system messages before the first other message, and before an id. */
function leadingSystemMessages(session: StoredSession, beforeId: string | undefined): AtomRow[] {
  const rows: AtomRow[] = [];
  for (const [id, row] of session.atoms.after(undefined)) {
    const role = roleOf(row.memoryType);
    if (role === undefined) continue;
    if (role !== "system" || (beforeId !== undefined && id >= beforeId)) break;
    rows.push(row);
  }
  return rows;
}

export function selectHeads(memory: Memory, selection: HeadSelection): SessionHead[] {
  const { userId, limit } = selection;
  const sessions = userId === undefined ? memory.sessions : memory.users.get(userId)?.sessions;
  if (sessions === undefined) return [];
  const found =
    selection.order === "recent-first"
      ? sessions.byRecency.before(selection.beforeId)
      : sessions.byId.after(selection.afterSessionId);
  const heads: SessionHead[] = [];
  for (const [, { head }] of found) if (heads.push(head) === limit) break;
  return heads;
}

export function selectTombstones(memory: Memory, { sessionId, after, limit }: TombstoneSelection): Tombstone[] {
  const tombstones: Tombstone[] = [];
  const found =
    sessionId === undefined ? memory.tombstones.after(after) : memory.tombstones.ofSession(sessionId, after);
  for (const tombstone of found) if (tombstones.push(tombstone) === limit) break;
  return tombstones;
}
