import type { Tombstone } from "../storage-hooks.ts";
import { Courier, type RefusedAtom } from "./courier.ts";
import { differingAtoms, differingRanges, differingSessions, differingTombstones } from "./differences.ts";
import type { Replica, SessionDigest } from "./replica.ts";
import { isDeletedSession } from "./session-digest.ts";

export interface ReconcileOptions {
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
  { isBothWays, signal, onProgress, onRefused }: ReconcileOptions,
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
        await carryDifference(source, target, pair, toTarget, isBothWays ? toSource : undefined);
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
  toTarget: Courier,
  toSource: Courier | undefined,
): Promise<void> {
  const [onSource, onTarget] = pair;
  const sessionId = (onSource ?? onTarget)?.sessionId ?? "";
  const isGone = pair.map((digest) => digest !== undefined && isDeletedSession(digest));
  // A deleted session has nothing to say but that.
  if (isGone[0] === true) return carryAll(await source.tombstonesAfter(sessionId, undefined, 1), toTarget);
  if (isGone[1] === true) return carryAll(await target.tombstonesAfter(sessionId, undefined, 1), toSource);
  for await (const [left, right] of differingTombstones(source, target, pair)) {
    if (left !== undefined) await toTarget.takeTombstone(left);
    else if (right !== undefined) await toSource?.takeTombstone(right);
  }
  for await (const [left, right] of differingAtoms(source, target, pair)) {
    if (left !== undefined) await toTarget.takeAtom(sessionId, left);
    else if (right !== undefined) await toSource?.takeAtom(sessionId, right);
  }
}

async function carryAll(tombstones: readonly Tombstone[], courier: Courier | undefined): Promise<void> {
  for (const tombstone of tombstones) await courier?.takeTombstone(tombstone);
}
