import { isHistoryType, roleOf, SESSION_METADATA } from "../atom/atom.ts";
import { NIL_ID } from "../atom/atom-id.ts";
import { xorIds } from "./id-xor.ts";
import { EMPTY_METADATA, metadataAfter, type MetadataProjection } from "./metadata-projection.ts";
import type { AtomRow } from "./atom-row.ts";

/**
 * The projection of one session that a store maintains beside its atoms: a page of sessions costs a page to list, and
 * two stores are compared by one row a session.
 */
export interface SessionHead extends MetadataProjection {
  readonly sessionId: string;
  readonly userId: string;
  /** When the earliest of its atoms was created, in milliseconds since 1970. */
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

/** The head after rows were inserted; `head` is undefined when the session had none. Every row counts as new. */
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

/** An atom as a deletion needs it. */
export type DeletedAtom = Pick<AtomRow, "id" | "memoryType" | "createdAtMs">;

/** What a store knows of a session after a deletion. */
export interface AtomsLeft {
  /** The greatest id; undefined when there is none. */
  readonly lastAtomId: string | undefined;
  /** The least time of creation, in milliseconds since 1970; called only when an atom of that time was deleted. */
  readonly earliestMs: () => number;
  /** The session metadata; called only when some was deleted. */
  readonly metadata: () => readonly AtomRow[];
}

/**
 * The head after atoms were deleted, or undefined when none is left. It says what a fold of the atoms that are left says:
 * stores that hold the same have the same heads, whatever came first.
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
 * Whether a session's history is what a writer last saw, so that `ifUnchanged` holds for a write that changes something.
 * What the same write left there before its reply was lost does not count as a change, whether the writer has read it
 * since (its first rows, then) or not.
 *
 * @param historyXor the version in the store before the write.
 * @param alreadyThere the rows of this write that the store has already, in id order.
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

/** The version that a history has when these atoms, those of them that are of the history, come to it or go. */
export function historyXorWith(historyXor: string, atoms: readonly Pick<AtomRow, "id" | "memoryType">[]): string {
  return xorIds([historyXor, ...idsOf(atoms.filter(isHistory))]);
}

function isHistory({ memoryType }: Pick<AtomRow, "memoryType">): boolean {
  return isHistoryType(memoryType);
}

function idsOf(atoms: readonly Pick<AtomRow, "id">[]): string[] {
  return atoms.map(({ id }) => id);
}
