/** Merges facts of another store into this one. */
import type { Queryable } from "@rivet/db-manager";
import {
  assertMergeable,
  CLAIM_OF_DELETED,
  isConcerned,
  NIL_ID,
  UNCLAIMED,
  UNKNOWN_OWNER,
  type AtomRow,
  type Facts,
  type Merged,
  type Tombstone,
} from "@rivet/memory-core";
import { appendAtOnce } from "./append.ts";
import { bury } from "./bury.ts";
import { insert, lockHeads, lookUp, sessionsOf, type Heads } from "./careful-append.ts";
import { isRefusedByStatement } from "../errors.ts";
import { deletionOptions } from "./limits.ts";
import type { TextRow } from "../statements/rows.ts";
import { inTransaction, type Store } from "../providers/store.ts";
import { timestampText } from "../statements/timestamps.ts";

/** The changes, and the name of the provider that made them. */
interface MergedAt extends Merged {
  readonly provider: string;
}

/**
 * Merges facts in one transaction, idempotently. Tombstones come first and win over the rows of their owners.
 *
 * @throws {MemoryError} `conflict` or `permission` if the store refuses a row for good.
 */
export async function merge(store: Store, facts: Facts): Promise<MergedAt> {
  if (facts.tombstones.length === 0) {
    try {
      const written = await appendAtOnce(store, facts, undefined);
      if (written !== undefined) return { inserted: written.written, removed: 0, provider: written.provider };
    } catch (error) {
      if (!isRefusedByStatement(error)) throw error;
    }
  }
  return inTransaction(store, (client) => mergeCarefully(store, client, facts));
}

async function mergeCarefully(store: Store, client: Queryable, { rows, tombstones }: Facts): Promise<MergedAt> {
  const sessions = [...new Set([...tombstones, ...rows].map(({ sessionId }) => sessionId))].map((sessionId) => ({
    sessionId,
  }));
  const { heads: before, provider } = await lockHeads(store, client, sessions);
  const removed = await buryAll(store, client, tombstones, before);
  const { heads } = tombstones.length === 0 ? { heads: before } : await lockHeads(store, client, sessions);
  const isLate = ({ sessionId, userId }: AtomRow): boolean =>
    heads.get(sessionId)?.deletedFor.some((owner) => isConcerned(owner, userId)) ?? false;
  const wanted = rows.filter((row) => !isLate(row));
  for (const session of sessionsOf(wanted)) {
    assertMergeable(session, heads.get(session.sessionId)?.claim ?? UNCLAIMED);
  }
  const { absent } = await lookUp(store, client, wanted);
  await insert(store, client, absent, heads);
  return { inserted: absent.length, removed, provider };
}

/** @returns the number of removed atoms. */
async function buryAll(
  store: Store,
  client: Queryable,
  tombstones: readonly Tombstone[],
  heads: Heads,
): Promise<number> {
  const isStoodFor = ({ sessionId, owner }: Tombstone): boolean => {
    const deletedFor = heads.get(sessionId)?.deletedFor ?? [];
    return deletedFor.includes(owner) || deletedFor.includes(UNKNOWN_OWNER);
  };
  const fresh = tombstones.filter((tombstone) => !isStoodFor(tombstone));
  const ofSessions = fresh.filter(({ id }) => id === NIL_ID);
  let removed = 0;
  // Tombstones that apply to every owner come last, because they replace the others.
  for (const isKnown of [true, false]) {
    const some = ofSessions.filter(({ owner }) => (owner !== UNKNOWN_OWNER) === isKnown);
    removed += await burySessions(store, client, some, heads);
  }
  const gone = new Set(ofSessions.map(({ sessionId, owner }) => `${owner} ${sessionId}`));
  const ofAtoms = fresh.filter(
    ({ sessionId, id, owner }) =>
      id !== NIL_ID && !gone.has(`${owner} ${sessionId}`) && !gone.has(`${UNKNOWN_OWNER} ${sessionId}`),
  );
  for (const group of Map.groupBy(ofAtoms, ({ sessionId, owner }) => `${owner} ${sessionId}`).values()) {
    removed += await buryAtoms(store, client, group, heads);
  }
  return removed;
}

/** Whether a tombstone belongs to the session's owner. Otherwise it has no effect on the session. */
function isOfOwner({ sessionId, owner }: Tombstone, heads: Heads): boolean {
  const userId = heads.get(sessionId)?.claim.userId;
  return userId !== undefined && isConcerned(owner, userId);
}

/** Returns the sessions without an owner, whose next append must check the tombstones. */
function unclaimed(tombstones: readonly Tombstone[], heads: Heads): string[] {
  const sessionIds = new Set(tombstones.map(({ sessionId }) => sessionId));
  return [...sessionIds].filter((sessionId) => {
    const claim = heads.get(sessionId)?.claim ?? UNCLAIMED;
    return claim.userId === undefined && !claim.isDeleted;
  });
}

async function burySessions(
  { statements, deletions }: Store,
  client: Queryable,
  tombstones: readonly Tombstone[],
  heads: Heads,
): Promise<number> {
  const valuesOf = (some: readonly Tombstone[]): unknown[] => [
    some.map(({ sessionId }) => sessionId),
    some.map(({ deletedAtMs }) => timestampText(deletedAtMs)),
    some.map(({ owner }) => owner),
  ];
  const others = tombstones.filter((tombstone) => !isOfOwner(tombstone, heads));
  if (others.length > 0) {
    await client.query(statements.change.buryWholes(), valuesOf(others));
    await client.query(statements.change.countDeletions(), [unclaimed(others, heads)]);
  }
  const owned = tombstones.filter((tombstone) => isOfOwner(tombstone, heads));
  if (owned.length === 0) return 0;
  const sessionIds = owned.map(({ sessionId }) => sessionId);
  const atoms = sessionIds.reduce((sum, sessionId) => sum + (heads.get(sessionId)?.head?.atomCount ?? 0), 0);
  await client.query(statements.change.deleteSessions(), valuesOf(owned), deletionOptions(atoms));
  await client.query(statements.change.forgetHeads(), [sessionIds]);
  for (const sessionId of sessionIds) {
    const stored = heads.get(sessionId);
    const deletionCount = (stored?.deletionCount ?? 0) + 1;
    deletions.learn(sessionId, deletionCount);
    if (stored !== undefined)
      heads.set(sessionId, { ...stored, head: undefined, claim: CLAIM_OF_DELETED, deletionCount });
  }
  return atoms;
}

/** @param tombstones of atoms of one session and one owner. */
async function buryAtoms(
  store: Store,
  client: Queryable,
  tombstones: readonly Tombstone[],
  heads: Heads,
): Promise<number> {
  const { statements, deletions } = store;
  const [first] = tombstones;
  if (first === undefined) return 0;
  const { sessionId, owner } = first;
  const stored = heads.get(sessionId);
  const { head, deletionCount = 0 } = stored ?? {};
  const values = [
    sessionId,
    tombstones.map(({ id }) => id),
    tombstones.map(({ deletedAtMs }) => timestampText(deletedAtMs)),
    owner,
  ];
  const isOwned = isOfOwner(first, heads);
  if (!isOwned || head === undefined) {
    await client.query(statements.change.buryAtoms(), values);
    // The tombstones arrived before their atoms.
    const toCount = isOwned ? [sessionId] : unclaimed([first], heads);
    await client.query(statements.change.countDeletions(), [toCount]);
    return 0;
  }
  const { rows: deleted } = await client.query<TextRow>(statements.change.deleteAtoms(), values, { asText: true });
  const next = await bury(store, client, { head, deletionCount }, deleted);
  if (stored !== undefined) heads.set(sessionId, { ...stored, head: next, deletionCount: deletionCount + 1 });
  deletions.learn(sessionId, deletionCount + 1);
  return deleted.length;
}
