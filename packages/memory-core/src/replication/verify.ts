import { isSameAtom } from "../atom/atom-codec.ts";
import { NIL_ID } from "../atom/atom-id.ts";
import { readOptions, type OptionFields } from "../options/option-fields.ts";
import { shownText } from "../atom/serialization.ts";
import type { MemoryStorage } from "../storage/storage.ts";
import type { AtomRow } from "../backend/atom-row.ts";
import type { AtomTypes } from "../atom/typed-atoms.ts";
import { byId, byIdAndOwner, bySessionId, sessionsOf, tombstonesOf } from "./differences.ts";
import { allPages, mergeJoin } from "./merge-join.ts";
import type { Replica, SessionDigest } from "./replica.ts";

/** A fact in which two storages differ. */
export interface Difference {
  readonly sessionId: string;
  /** Undefined for the deletion of a whole session. */
  readonly id: string | undefined;
  readonly kind: "atom" | "deletion";
  /** The storage that has it; `different` when both have it with different content. */
  readonly found: "only-left" | "only-right" | "different";
}

export interface VerifyOptions {
  /** Stops between two sessions. */
  readonly signal?: AbortSignal;
  /** Called after each session. */
  readonly onProgress?: (progress: VerifyProgress) => void;
}

const VERIFY_FIELDS: OptionFields<VerifyOptions> = { signal: "setting", onProgress: "setting" };

/** Counts so far. */
export interface VerifyProgress {
  readonly sessions: number;
  /** Atoms and deletions; a fact in both storages counts once. */
  readonly facts: number;
}

const PAGE = 500;
const ALL = { after: "" };

/**
 * Compares the complete contents of two storages, atom by atom: content, metadata, types, owners and times, and
 * deletions. It reads everything, in constant memory.
 *
 * @returns every difference, in the order of session ids; none when the two are equal.
 * @throws the errors of both storages.
 * @example
 * for await (const difference of verify(laptop, cloud)) console.log(difference);
 */
export async function* verify<Left extends AtomTypes, Right extends AtomTypes>(
  left: MemoryStorage<Left>,
  right: MemoryStorage<Right>,
  options: VerifyOptions = {},
): AsyncGenerator<Difference> {
  const { signal, onProgress } = readOptions(options, VERIFY_FIELDS, "options");
  const [one, other] = [left.replica, right.replica];
  let [sessions, facts] = [0, 0];
  for await (const [onLeft, onRight] of mergeJoin(sessionsOf(one, ALL), sessionsOf(other, ALL), bySessionId)) {
    signal?.throwIfAborted();
    const sessionId = (onLeft ?? onRight)?.sessionId ?? "";
    yield* compareTombstones(one, other, sessionId);
    yield* compareAtoms(one, other, sessionId);
    sessions += 1;
    facts += Math.max(factCount(onLeft), factCount(onRight));
    onProgress?.({ sessions, facts });
  }
}

function factCount(session: SessionDigest | undefined): number {
  return session === undefined ? 0 : session.atomCount + session.tombstoneCount;
}

async function* compareTombstones(left: Replica, right: Replica, sessionId: string): AsyncGenerator<Difference> {
  for await (const [one, other] of mergeJoin(
    tombstonesOf(left, sessionId),
    tombstonesOf(right, sessionId),
    byIdAndOwner,
  )) {
    const found = whereIs(one, other);
    if (found !== undefined) yield { ...nameOf(sessionId, (one ?? other)?.id), kind: "deletion", found };
  }
}

async function* compareAtoms(left: Replica, right: Replica, sessionId: string): AsyncGenerator<Difference> {
  const atomsOf = (replica: Replica): AsyncGenerator<AtomRow> =>
    allPages((last, limit) => replica.atomsAfter(sessionId, last?.id, limit), PAGE);
  for await (const [one, other] of mergeJoin(atomsOf(left), atomsOf(right), byId)) {
    const found = whereIs(one, other) ?? (one && other && !isEqual(one, other) ? "different" : undefined);
    if (found !== undefined) yield { ...nameOf(sessionId, (one ?? other)?.id), kind: "atom", found };
  }
}

function isEqual(left: AtomRow, right: AtomRow): boolean {
  return isSameAtom(left, right) && left.createdAtMs === right.createdAtMs;
}

function whereIs(left: unknown, right: unknown): "only-left" | "only-right" | undefined {
  if (left === undefined) return "only-right";
  return right === undefined ? "only-left" : undefined;
}

function nameOf(sessionId: string, id: string | undefined): Pick<Difference, "sessionId" | "id"> {
  return { sessionId: shownText(sessionId), id: id === NIL_ID ? undefined : id };
}
