import { isHistoryType, roleOf, SESSION_METADATA } from "../atom/atom.ts";
import { NIL_ID } from "../atom/atom-id.ts";
import { xorIds } from "./id-xor.ts";
import { EMPTY_METADATA, metadataAfter, type MetadataProjection } from "./metadata-projection.ts";
import type { AtomRow } from "./atom-row.ts";

/**
 * The projection of one session that a store maintains next to its atoms, so that a list of sessions reads one row per
 * session, and two stores are compared by one row per session.
 */
export interface SessionHead extends MetadataProjection {
  readonly sessionId: string;
  readonly userId: string;
  /** The creation time of its earliest atom, in milliseconds since 1970. */
  readonly createdAtMs: number;
  /** The greatest atom id. */
  readonly lastAtomId: string;
  readonly messageCount: number;
  readonly atomCount: number;
  /** The XOR of all atom ids: a digest of what the session holds. */
  readonly idXor: string;
  /** The XOR of the ids of messages and session metadata: the version that `ifUnchanged` compares. */
  readonly historyXor: string;
}

/** The head after an insert; `head` is undefined when the session had none. Every row counts as new. */
export function headAfterInsert(head: SessionHead | undefined, rows: readonly [AtomRow, ...AtomRow[]]): SessionHead {
  let { createdAtMs, lastAtomId, messageCount, atomCount, idXor, historyXor } = head ?? {
    createdAtMs: rows[0].createdAtMs,
    lastAtomId: NIL_ID,
    messageCount: 0,
    atomCount: 0,
    idXor: NIL_ID,
    historyXor: NIL_ID,
  };
  const metadata = metadataAfter(head ?? EMPTY_METADATA, rows);
  for (const row of rows) {
    createdAtMs = Math.min(createdAtMs, row.createdAtMs);
    if (row.id > lastAtomId) lastAtomId = row.id;
    if (roleOf(row.memoryType) !== undefined) messageCount += 1;
  }
  atomCount += rows.length;
  const isAllHistory = idXor === historyXor && rows.every(isHistory);
  idXor = xorIds([idXor, ...idsOf(rows)]);
  historyXor = isAllHistory ? idXor : historyXorWith(historyXor, rows);
  const { sessionId, userId } = head ?? rows[0];
  return { sessionId, userId, createdAtMs, lastAtomId, messageCount, atomCount, idXor, historyXor, ...metadata };
}

/** The fields of an atom that a deletion needs. */
export type DeletedAtom = Pick<AtomRow, "id" | "memoryType" | "createdAtMs">;

/** The state of a session in a store after a deletion. */
export interface AtomsLeft {
  /** The greatest id; undefined when there is none. */
  readonly lastAtomId: string | undefined;
  /** The least creation time, in milliseconds since 1970; called only when an atom of that time was deleted. */
  readonly earliestMs: () => number;
  /** The session metadata; called only when some of it was deleted. */
  readonly metadata: () => readonly AtomRow[];
}

/**
 * The head after a deletion, or undefined when no atom is left. It equals a fold of the remaining atoms: stores that
 * hold the same atoms have the same heads, in whatever order they arrived.
 */
export function headAfterDelete(
  head: SessionHead,
  deleted: readonly DeletedAtom[],
  left: AtomsLeft,
): SessionHead | undefined {
  const { lastAtomId } = left;
  if (lastAtomId === undefined) return undefined;
  let { messageCount, atomCount, idXor, historyXor } = head;
  messageCount -= deleted.filter(({ memoryType }) => roleOf(memoryType) !== undefined).length;
  atomCount -= deleted.length;
  idXor = xorIds([idXor, ...idsOf(deleted)]);
  historyXor = historyXorWith(historyXor, deleted);
  const isMetadataDeleted = deleted.some(({ memoryType }) => memoryType === SESSION_METADATA);
  const metadata = isMetadataDeleted ? metadataAfter(EMPTY_METADATA, left.metadata()) : {};
  const isEarliestDeleted = deleted.some((atom) => atom.createdAtMs === head.createdAtMs);
  const createdAtMs = isEarliestDeleted ? left.earliestMs() : head.createdAtMs;
  return { ...head, createdAtMs, lastAtomId, messageCount, atomCount, idXor, historyXor, ...metadata };
}

/**
 * Whether a session's history is the version that a writer last saw, so that `ifUnchanged` holds for a write that
 * changes something. Rows that the same write stored before its reply was lost do not count as a change, whether the
 * writer has read them since (then they are its first rows) or not.
 *
 * @param historyXor The version in the store before the write.
 * @param alreadyThere The rows of this write that the store already has, in id order.
 */
export function isHistoryUnchanged(
  historyXor: string,
  expectedHistoryXor: string,
  alreadyThere: readonly AtomRow[],
): boolean {
  let version = historyXor;
  for (const { id } of alreadyThere.filter(isHistory).toReversed()) {
    if (version === expectedHistoryXor) return true;
    version = xorIds([version, id]);
  }
  return version === expectedHistoryXor;
}

/**
 * The version of a history after these atoms are added or removed. Atoms that are not part of the history do not count.
 */
export function historyXorWith(historyXor: string, atoms: readonly Pick<AtomRow, "id" | "memoryType">[]): string {
  return xorIds([historyXor, ...idsOf(atoms.filter(isHistory))]);
}

function isHistory({ memoryType }: Pick<AtomRow, "memoryType">): boolean {
  return isHistoryType(memoryType);
}

function idsOf(atoms: readonly Pick<AtomRow, "id">[]): string[] {
  return atoms.map(({ id }) => id);
}
