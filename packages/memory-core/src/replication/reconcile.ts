import { NIL_ID } from "../atom/atom-id.ts";
import { ownerOf, UNKNOWN_OWNER } from "../backend/owner.ts";
import type { Tombstone } from "../backend/storage-hooks.ts";
import { Courier, type RefusedAtom } from "./courier.ts";
import { differingAtoms, differingRanges, differingSessions, differingTombstones } from "./differences.ts";
import type { Replica, SessionDigest } from "./replica.ts";

/** The facts to copy. */
export interface FactFilter {
  /** Only atoms and tombstones of this user, in the stored form. Default: all users. */
  readonly userId?: string | undefined;
  /** Default: true. */
  readonly atoms?: boolean | undefined;
  /** Default: true. */
  readonly deletions?: boolean | undefined;
}

export interface ReconcileOptions {
  /** Default: all. */
  readonly filter?: FactFilter | undefined;
  /** Whether facts that only the target has are copied to the source too. */
  readonly isBothWays: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Called occasionally, and at the end. */
  readonly onProgress?: ((progress: ReconcileProgress) => void) | undefined;
  /** Called for each atom that a store refuses permanently. */
  readonly onRefused: (store: string, refused: RefusedAtom) => void;
}

/** Counts so far. */
export interface ReconcileProgress {
  /** Sessions that differed and were compared one by one. */
  readonly sessions: number;
  /** Atoms that were copied. */
  readonly copied: number;
  /** Atoms that tombstones removed. */
  readonly removed: number;
  /** All sessions up to this one, in id order, are done; undefined before the first. */
  readonly through: string | undefined;
}

/**
 * Copies atoms and tombstones that only the source has to the target, or in both directions. Replicas are compared by
 * ranges of sessions, then by session, then by id, so that the cost depends on the number of sessions and on the
 * differences.
 *
 * It can be interrupted at any time and repeated: facts that were copied are then equal on both sides.
 *
 * @throws the errors of both replicas, and the reason of the abort signal.
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

/** Hands the facts that one side lacks to the courier for that side. */
async function carryDifference(
  source: Replica,
  target: Replica,
  pair: readonly [SessionDigest | undefined, SessionDigest | undefined],
  { userId, atoms = true, deletions = true }: FactFilter,
  toTarget: Courier,
  toSource: Courier | undefined,
): Promise<void> {
  const sessionId = (pair[0] ?? pair[1])?.sessionId ?? "";
  // The owners for whom only one side has deleted the session. The other side's atoms of these owners are not copied:
  // the tombstone deletes them. Tombstones of whole sessions come first.
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

/** Whether a replica's atoms of a session belong to a user; all atoms of a session have the same user. */
async function isOfUser(replica: Replica, digest: SessionDigest | undefined, userId: string): Promise<boolean> {
  if (digest === undefined || digest.atomCount === 0) return false;
  const [first] = await replica.atomsAfter(digest.sessionId, undefined, 1);
  return first?.userId === userId;
}

function covers(owners: ReadonlySet<string>, owner: string): boolean {
  return owners.has(owner) || owners.has(UNKNOWN_OWNER);
}

/**
 * The digest of a session, without atoms if the other side has deleted it for their user; all atoms have the same user.
 */
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
