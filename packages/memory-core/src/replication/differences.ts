/** Finds the facts that only one of two replicas has. */
import { NIL_ID } from "../atom/atom-id.ts";
import { xorIds } from "../backend/id-xor.ts";
import { digestOfTombstone } from "../backend/owner.ts";
import type { Tombstone } from "../backend/storage-hooks.ts";
import { allPages, compareBytes, mergeJoin } from "./merge-join.ts";
import type { Replica, SessionDigest, SessionRange } from "./replica.ts";
import { isSameSession } from "./session-digest.ts";

/** A matching item from each side; one of them may be missing. */
type Pair<Item> = readonly [left: Item | undefined, right: Item | undefined];

const PAGE = 500;
/** Differences are mostly at the end of a session: the first page is small. */
const FIRST_PAGE = 32;
const RANGE_SESSIONS = 64;
const RANGES = 64;

/**
 * The ranges of sessions in which two replicas differ. It costs one row per range, however many sessions and atoms
 * there are.
 *
 * @param onCompared Called after each batch of compared ranges, with the last session in it.
 */
export async function* differingRanges(
  left: Replica,
  right: Replica,
  onCompared: (through: string | undefined) => void,
): AsyncGenerator<SessionRange> {
  let after = "";
  for (;;) {
    const ofLeft = await left.rangesAfter(after, RANGE_SESSIONS, RANGES);
    const ranges = ofLeft.map(({ through }, index) => ({ after: ofLeft[index - 1]?.through ?? after, through }));
    const ofRight = ranges.length === 0 ? [] : await right.digestsOf(ranges);
    for (const [index, range] of ranges.entries()) if (ofLeft[index]?.digest !== ofRight[index]) yield range;
    after = ranges.at(-1)?.through ?? after;
    onCompared(after);
    if (ranges.length < RANGES) break;
  }
  // The sessions of the right after the last session of the left.
  yield { after };
}

/** The sessions of a range that differ. */
export async function* differingSessions(
  left: Replica,
  right: Replica,
  range: SessionRange,
): AsyncGenerator<Pair<SessionDigest>> {
  for await (const pair of mergeJoin(sessionsOf(left, range), sessionsOf(right, range), bySessionId)) {
    const [onLeft, onRight] = pair;
    if (onLeft === undefined || onRight === undefined || !isSameSession(onLeft, onRight)) yield pair;
  }
}

/** All sessions of a range that have atoms or tombstones. */
export function sessionsOf(replica: Replica, { after, through }: SessionRange): AsyncGenerator<SessionDigest> {
  return allPages((last, limit) => replica.sessions({ after: last?.sessionId ?? after, through }, limit), PAGE);
}

export function bySessionId(left: SessionDigest, right: SessionDigest): number {
  return compareBytes(left.sessionId, right.sessionId);
}

/** The ids of atoms that only one side has, newest first. Stops when the digests show that no more differ. */
export async function* differingAtoms(
  left: Replica,
  right: Replica,
  pair: Pair<SessionDigest>,
): AsyncGenerator<Pair<string>> {
  const lone = await loneAtom(left, right, pair);
  if (lone !== undefined) yield lone;
  else yield* walkAtoms(left, right, pair);
}

/** Handles the case that one side has exactly one more atom: its id is then the XOR of the two digests. */
async function loneAtom(
  left: Replica,
  right: Replica,
  [onLeft, onRight]: Pair<SessionDigest>,
): Promise<Pair<string> | undefined> {
  if (onLeft === undefined || onRight === undefined) return undefined;
  const surplus = onLeft.atomCount - onRight.atomCount;
  if (Math.abs(surplus) !== 1) return undefined;
  const id = xorIds([onLeft.idXor, onRight.idXor]);
  // Reads only the id, because the atom may be large.
  const [newest] = await (surplus > 0 ? left : right).atomIds(onLeft.sessionId, idAfter(id), 1);
  if (newest !== id) return undefined;
  return surplus > 0 ? [id, undefined] : [undefined, id];
}

/** The next greater id; undefined for the greatest. */
function idAfter(id: string): string | undefined {
  const next = BigInt(`0x${id.replaceAll("-", "")}`) + 1n;
  if (next >= 1n << 128n) return undefined;
  return next
    .toString(16)
    .padStart(32, "0")
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function walkAtoms(
  left: Replica,
  right: Replica,
  [onLeft, onRight]: Pair<SessionDigest>,
): AsyncGenerator<Pair<string>> {
  const sessionId = (onLeft ?? onRight)?.sessionId ?? "";
  const of = (replica: Replica, digest: SessionDigest | undefined): AsyncGenerator<string> =>
    digest === undefined || digest.atomCount === 0 ? nothing() : newestIds(replica, sessionId);
  const difference = new Residue(
    [onLeft?.atomCount ?? 0, onLeft?.idXor ?? NIL_ID],
    [onRight?.atomCount ?? 0, onRight?.idXor ?? NIL_ID],
  );
  return unmatched(of(left, onLeft), of(right, onRight), (one, other) => compareIds(other, one), difference, String);
}

/** The tombstones that only one side has. */
export function differingTombstones(
  left: Replica,
  right: Replica,
  [onLeft, onRight]: Pair<SessionDigest>,
): AsyncGenerator<Pair<Tombstone>> {
  const sessionId = (onLeft ?? onRight)?.sessionId ?? "";
  const of = (replica: Replica, digest: SessionDigest | undefined): AsyncGenerator<Tombstone> =>
    digest === undefined || digest.tombstoneCount === 0 ? nothing() : tombstonesOf(replica, sessionId);
  const difference = new Residue(
    [onLeft?.tombstoneCount ?? 0, onLeft?.tombstoneXor ?? NIL_ID],
    [onRight?.tombstoneCount ?? 0, onRight?.tombstoneXor ?? NIL_ID],
  );
  return unmatched(of(left, onLeft), of(right, onRight), byIdAndOwner, difference, digestOfTombstone);
}

export function tombstonesOf(replica: Replica, sessionId: string): AsyncGenerator<Tombstone> {
  return allPages((last, limit) => replica.tombstonesAfter(sessionId, last, limit), PAGE);
}

export function byId(left: { readonly id: string }, right: { readonly id: string }): number {
  return compareIds(left.id, right.id);
}

/** The order of tombstones of one session. */
export function byIdAndOwner(left: Pick<Tombstone, "id" | "owner">, right: Pick<Tombstone, "id" | "owner">): number {
  return compareIds(left.id, right.id) || compareIds(left.owner, right.owner);
}

function compareIds(left: string, right: string): number {
  return left === right ? 0 : left < right ? -1 : 1;
}

async function* newestIds(replica: Replica, sessionId: string): AsyncGenerator<string> {
  const first = await replica.atomIds(sessionId, undefined, FIRST_PAGE);
  yield* first;
  const oldest = first.at(-1);
  if (first.length < FIRST_PAGE || oldest === undefined) return;
  yield* allPages((last, limit) => replica.atomIds(sessionId, last ?? oldest, limit), PAGE);
}

async function* nothing(): AsyncGenerator<never> {}

/**
 * The difference between two sets of ids that is not explained yet: their difference in number, and the XOR of the ids.
 */
class Residue {
  #count: number;
  #xor: string;

  constructor([leftCount, leftXor]: readonly [number, string], [rightCount, rightXor]: readonly [number, string]) {
    this.#count = leftCount - rightCount;
    this.#xor = xorIds([leftXor, rightXor]);
  }

  /** Reliable because ids are random: the remaining ids are very unlikely to cancel each other out. */
  get isExplained(): boolean {
    return this.#count === 0 && this.#xor === NIL_ID;
  }

  explain([left, right]: Pair<string>): void {
    this.#count += (right === undefined ? 0 : 1) - (left === undefined ? 0 : 1);
    this.#xor = xorIds([this.#xor, left ?? right ?? NIL_ID]);
  }
}

async function* unmatched<Item>(
  left: AsyncGenerator<Item>,
  right: AsyncGenerator<Item>,
  compare: (left: Item, right: Item) => number,
  residue: Residue,
  idOf: (item: Item) => string,
): AsyncGenerator<Pair<Item>> {
  if (residue.isExplained) return;
  for await (const pair of mergeJoin(left, right, compare)) {
    const [onLeft, onRight] = pair;
    if (onLeft !== undefined && onRight !== undefined) continue;
    yield pair;
    residue.explain([onLeft && idOf(onLeft), onRight && idOf(onRight)]);
    if (residue.isExplained) return;
  }
}
