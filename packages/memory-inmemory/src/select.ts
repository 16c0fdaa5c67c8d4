import { roleOf, type AtomRow, type AtomSelection, type HeadSelection, type SessionHead } from "@rivet/memory-core";
import { afterKeysOf, type Memory, type StoredSession } from "./memory.ts";
import type { OrderedMap } from "./ordered-map.ts";

/** A page of atoms: from the session's own, or else merged from those of each user and type, a page of each. */
export function selectAtoms(memory: Memory, selection: AtomSelection): AtomRow[] {
  const { sessionId, userId, memoryTypes, limit, order } = selection;
  if (sessionId !== undefined) {
    const atoms = memory.sessions.byId.get(sessionId)?.atoms;
    if (atoms === undefined) return [];
    const bounds = { beforeKey: selection.beforeId, afterKey: selection.afterId };
    const matches = ({ userId: owner, memoryType }: AtomRow): boolean =>
      (userId === undefined || userId === owner) && (memoryTypes?.includes(memoryType) ?? true);
    return page(atoms, order, bounds, matches, limit);
  }
  const bounds = {
    beforeKey: selection.beforeId,
    afterKey: selection.afterId === undefined ? undefined : afterKeysOf(selection.afterId),
  };
  const direction = order === "newest-first" ? -1 : 1;
  return treesOf(memory, userId, memoryTypes)
    .flatMap((atoms) => page(atoms, order, bounds, () => true, limit))
    .sort((left, right) => (left.id < right.id ? -direction : direction))
    .slice(0, limit);
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

function page(
  atoms: OrderedMap<AtomRow>,
  order: AtomSelection["order"],
  { beforeKey, afterKey }: { beforeKey: string | undefined; afterKey: string | undefined },
  matches: (row: AtomRow) => boolean,
  limit: number,
): AtomRow[] {
  const rows: AtomRow[] = [];
  const isDescending = order === "newest-first";
  for (const [key, row] of isDescending ? atoms.before(beforeKey) : atoms.after(afterKey)) {
    if (isDescending ? afterKey !== undefined && key <= afterKey : beforeKey !== undefined && key >= beforeKey) break;
    if (matches(row) && rows.push(row) === limit) break;
  }
  return rows;
}

/** The messages of a session in id order: the last so many, or those from an id on. */
export function selectMessages(session: StoredSession, lastMessages: number | undefined, fromId = ""): AtomRow[] {
  const rows: AtomRow[] = [];
  for (const [id, row] of session.atoms.before(undefined)) {
    if (id < fromId) break;
    if (roleOf(row.memoryType) !== undefined && rows.push(row) === lastMessages) break;
  }
  return rows.toReversed();
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
