/** Facts of another store, taken by this one. */
import type { Queryable } from "@rivet/db-manager";
import { assertWritable, NIL_ID, type Facts, type Merged, type Tombstone } from "@rivet/memory-core";
import { appendAtOnce } from "./append.ts";
import { bury } from "./bury.ts";
import { insert, lockHeads, lookUp, sessionsOf, type Heads } from "./careful-append.ts";
import { isRefusedByStatement } from "./errors.ts";
import { deletionOptions } from "./limits.ts";
import type { TextRow } from "./rows.ts";
import { inTransaction, type Store } from "./store.ts";
import { timestampText } from "./timestamps.ts";

/** What was changed, and the name of the provider that changed it. */
interface MergedAt extends Merged {
  readonly provider: string;
}

/**
 * All or nothing and idempotently: tombstones come first and win over rows.
 *
 * @throws {MemoryError} `conflict` or `permission` when the store refuses a row for good.
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
  const wanted = rows.filter(({ sessionId }) => heads.get(sessionId)?.isDeleted !== true);
  for (const session of sessionsOf(wanted)) assertWritable(session, heads.get(session.sessionId)?.head, () => false);
  const { absent } = await lookUp(store, client, wanted);
  await insert(store, client, absent, heads);
  return { inserted: absent.length, removed, provider };
}

/** @returns how many atoms were removed. */
async function buryAll(
  store: Store,
  client: Queryable,
  tombstones: readonly Tombstone[],
  heads: Heads,
): Promise<number> {
  const ofSessions = tombstones.filter(
    ({ sessionId, id }) => id === NIL_ID && heads.get(sessionId)?.isDeleted === false,
  );
  let removed = await burySessions(store, client, ofSessions, heads);
  const gone = new Set(ofSessions.map(({ sessionId }) => sessionId));
  const ofAtoms = tombstones.filter(
    ({ sessionId, id }) => id !== NIL_ID && !gone.has(sessionId) && heads.get(sessionId)?.isDeleted === false,
  );
  for (const group of Map.groupBy(ofAtoms, ({ sessionId }) => sessionId).values()) {
    removed += await buryAtoms(store, client, group, heads);
  }
  return removed;
}

async function burySessions(
  { statements, deletions }: Store,
  client: Queryable,
  tombstones: readonly Tombstone[],
  heads: Heads,
): Promise<number> {
  if (tombstones.length === 0) return 0;
  const sessionIds = tombstones.map(({ sessionId }) => sessionId);
  const atoms = sessionIds.reduce((sum, sessionId) => sum + (heads.get(sessionId)?.head?.atomCount ?? 0), 0);
  const values = [sessionIds, tombstones.map(({ deletedAtMs }) => timestampText(deletedAtMs))];
  await client.query(statements.change.deleteSessions(), values, deletionOptions(atoms));
  await client.query(statements.change.emptyHeads(), [sessionIds]);
  for (const sessionId of sessionIds) deletions.learn(sessionId, (heads.get(sessionId)?.deletionCount ?? 0) + 1);
  return atoms;
}

/** @param tombstones of atoms of one session. */
async function buryAtoms(
  store: Store,
  client: Queryable,
  tombstones: readonly Tombstone[],
  heads: Heads,
): Promise<number> {
  const { statements, deletions } = store;
  const sessionId = tombstones[0]?.sessionId ?? "";
  const { head, deletionCount = 0 } = heads.get(sessionId) ?? {};
  const values = [
    sessionId,
    tombstones.map(({ id }) => id),
    tombstones.map(({ deletedAtMs }) => timestampText(deletedAtMs)),
  ];
  const { rows: deleted } = await client.query<TextRow>(statements.change.deleteAtoms(), values, { asText: true });
  if (head !== undefined) {
    await bury(store, client, { head, deletionCount }, deleted);
  } else {
    // The tombstones came before their atoms: the next append has to know of them.
    await client.query(statements.change.emptyHeads(), [[sessionId]]);
    deletions.learn(sessionId, deletionCount + 1);
  }
  return deleted.length;
}
