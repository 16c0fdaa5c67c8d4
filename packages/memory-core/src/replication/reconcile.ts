import { NIL_ID } from "../atom/atom-id.ts";
import { ownerOf, UNKNOWN_OWNER } from "../backend/owner.ts";
import type { Tombstone } from "../backend/storage-hooks.ts";
import { Courier, type RefusedAtom } from "./courier.ts";
import { differingAtoms, differingRanges, differingSessions, differingTombstones } from "./differences.ts";
import type { Replica, SessionDigest } from "./replica.ts";

/** Which facts are carried. */
export interface FactFilter {
  /** Only what is this user's, in the form that stores hold: their atoms, and tombstones of theirs. Default: everybody's. */
  readonly userId?: string | undefined;
  /** Default: true. */
  readonly atoms?: boolean | undefined;
  /** Default: true. */
  readonly deletions?: boolean | undefined;
}

export interface ReconcileOptions {
  /** Default: all. */
  readonly filter?: FactFilter | undefined;
  /** Whether what only the target has goes to the source too. */
  readonly isBothWays: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Told now and then, and at the end. */
  readonly onProgress?: ((progress: ReconcileProgress) => void) | undefined;
  /** Told of each atom that a store refuses for good. */
  readonly onRefused: (store: string, refused: RefusedAtom) => void;
}

/** Counts until now. */
export interface ReconcileProgress {
  /** Sessions that were found to differ, and compared one by one. */
  readonly sessions: number;
  /** Atoms that were copied. */
  readonly copied: number;
  /** Atoms that tombstones removed. */
  readonly removed: number;
  /** All sessions up to this one, in the order of their ids, are done; undefined before the first. */
  readonly through: string | undefined;
}

/**
 * Brings a target what only the source has, or both what only the other has: atoms and tombstones. They are compared by
 * ranges of sessions, then by session, then by id: the cost follows the number of sessions and what differs.
 *
 * It can be interrupted at any time, and repeated: what was done is done, and is found equal.
 *
 * @throws what a replica throws, and the signal's reason.
 */
export async function reconcile(
  source: Replica,
  target: Replica,
  { filter = {}, isBothWays, signal, onProgress, onRefused }: ReconcileOptions,
): Promise<ReconcileProgress> {
  const toTarget = new Courier(source, target, (refused) => onRefused(target.name, refused));
  const toSource = new Courier(target, source, (refused) => onRefused(source.name, refused));
  let sessions = 0;
  let through: string | undefined;
  const report = (): ReconcileProgress => {
    const copied = toTarget.inserted + toSource.inserted;
    const progress = { sessions, copied, removed: toTarget.removed + toSource.removed, through };
    onProgress?.(progress);
    return progress;
  };
  const onCompared = (last: string | undefined): void => {
    through = last;
  };
  try {
    for await (const range of differingRanges(source, target, onCompared)) {
      for await (const pair of differingSessions(source, target, range)) {
        signal?.throwIfAborted();
        sessions += 1;
        await carryDifference(source, target, pair, filter, toTarget, isBothWays ? toSource : undefined);
      }
      signal?.throwIfAborted();
      report();
    }
    await Promise.all([toTarget.finish(), toSource.finish()]);
    if (toTarget.removed > 0) await target.finishErasure?.();
    if (toSource.removed > 0) await source.finishErasure?.();
    return report();
  } finally {
    await Promise.all([toTarget.settle(), toSource.settle()]);
  }
}

/** Gives what one side lacks to its courier. */
async function carryDifference(
  source: Replica,
  target: Replica,
  pair: readonly [SessionDigest | undefined, SessionDigest | undefined],
  { userId, atoms = true, deletions = true }: FactFilter,
  toTarget: Courier,
  toSource: Courier | undefined,
): Promise<void> {
  const sessionId = (pair[0] ?? pair[1])?.sessionId ?? "";
  // For whom one side, and not the other, has deleted the session: what the other has of theirs goes there, and nowhere else. The
  // tombstones of whole sessions come first.
  const [goneFromSource, goneFromTarget] = [new Set<string>(), new Set<string>()];
  const isCarried = ({ owner }: Tombstone): boolean => deletions && (userId === undefined || owner === ownerOf(userId));
  for await (const [left, right] of differingTombstones(source, target, pair)) {
    if (left !== undefined && !covers(goneFromTarget, left.owner)) {
      if (left.id === NIL_ID) goneFromSource.add(left.owner);
      if (isCarried(left)) await toTarget.takeTombstone(left);
    } else if (right !== undefined && !covers(goneFromSource, right.owner)) {
      if (right.id === NIL_ID) goneFromTarget.add(right.owner);
      if (isCarried(right)) await toSource?.takeTombstone(right);
    }
  }
  if (!atoms) return;
  const left = await withoutDeleted(source, pair[0], goneFromTarget);
  const right = await withoutDeleted(target, pair[1], goneFromSource);
  if (userId !== undefined && !(await isOfUser(source, left, userId)) && !(await isOfUser(target, right, userId)))
    return;
  for await (const [onSource, onTarget] of differingAtoms(source, target, [left, right])) {
    if (onSource !== undefined) await toTarget.takeAtom(sessionId, onSource);
    else if (onTarget !== undefined) await toSource?.takeAtom(sessionId, onTarget);
  }
}

/** Whether a replica's atoms of a session are a user's: all of them have one. */
async function isOfUser(replica: Replica, digest: SessionDigest | undefined, userId: string): Promise<boolean> {
  if (digest === undefined || digest.atomCount === 0) return false;
  const [first] = await replica.atomsAfter(digest.sessionId, undefined, 1);
  return first?.userId === userId;
}

function covers(owners: ReadonlySet<string>, owner: string): boolean {
  return owners.has(owner) || owners.has(UNKNOWN_OWNER);
}

/** The digest of a session in a replica, without atoms if the other side has deleted it for their user: all atoms have one. */
async function withoutDeleted(
  replica: Replica,
  digest: SessionDigest | undefined,
  deletedFor: ReadonlySet<string>,
): Promise<SessionDigest | undefined> {
  if (digest === undefined || digest.atomCount === 0 || deletedFor.size === 0) return digest;
  const [first] = await replica.atomsAfter(digest.sessionId, undefined, 1);
  const isDeleted = first === undefined || covers(deletedFor, ownerOf(first.userId));
  return isDeleted ? { ...digest, atomCount: 0, idXor: NIL_ID } : digest;
}
