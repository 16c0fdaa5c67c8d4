import type { Queryable } from "@rivet/db-manager";
import { addRemoved, NOTHING_REMOVED, type Deletion, type Removed, type SessionHead } from "@rivet/memory-core";
import { bury } from "./bury.ts";
import { deletionOptions, MAX_DELETED_ATOMS } from "./limits.ts";
import { toSessionHead, toStoredHead, type TextRow } from "./rows.ts";
import { inTransaction, type Store } from "./store.ts";

/** What was removed, and the name of the provider that removed it. */
export interface RemovedAt extends Removed {
  readonly provider: string;
  /** Whether it has the session, so that what is deleted of it stays deleted; for a user, whether it has any. */
  readonly isKnown: boolean;
}

/** Removes rows and leaves tombstones, in one transaction that holds the heads' locks. */
export function remove(store: Store, deletion: Deletion): Promise<RemovedAt> {
  const { statements } = store;
  return inTransaction(store, async (client) => {
    const [lock, values] =
      deletion.scope === "user"
        ? [statements.change.lockHeadsOfUser(), [deletion.userId]]
        : [statements.change.lockHeads(), [[deletion.sessionId]]];
    // What is not locked must not be looked at: it may change before its head is written.
    const { rows, provider } = await client.query<TextRow>(lock, values, { asText: true });
    const stored = deletion.scope === "user" ? undefined : ownHead(rows, deletion.userId);
    const isKnown = deletion.scope === "user" ? rows.length > 0 : stored !== undefined;
    const removed =
      deletion.scope === "user"
        ? await removeSessions(store, client, rows.map(toSessionHead))
        : await removeFromSession(store, client, deletion, stored);
    return { ...removed, provider, isKnown };
  });
}

/** @param stored the head, locked, if there is one. */
async function removeFromSession(
  store: Store,
  client: Queryable,
  deletion: Exclude<Deletion, { scope: "user" }>,
  stored: ReturnType<typeof ownHead>,
): Promise<Removed> {
  if (stored === undefined) return NOTHING_REMOVED;
  const { head } = stored;
  if (deletion.scope === "session") return removeSessions(store, client, [head]);
  const values = [head.sessionId, deletion.ids, []];
  const { rows: deleted } = await client.query<TextRow>(store.statements.change.deleteAtoms(), values, {
    asText: true,
  });
  const next = await bury(store, client, stored, deleted);
  return { sessions: 0, atoms: deleted.length, messages: head.messageCount - (next?.messageCount ?? 0) };
}

/** The head, unless there is none or it is someone else's. */
function ownHead(
  rows: readonly TextRow[],
  userId: string | undefined,
): { head: SessionHead; deletionCount: number } | undefined {
  if (rows[0] === undefined) return undefined;
  const { head, deletionCount } = toStoredHead(rows[0]);
  return head === undefined || (userId !== undefined && userId !== head.userId) ? undefined : { head, deletionCount };
}

async function removeSessions(
  { statements }: Store,
  client: Queryable,
  heads: readonly SessionHead[],
): Promise<Removed> {
  for (const batch of batchesOf(heads)) {
    const sessionIds = batch.map(({ sessionId }) => sessionId);
    const atoms = batch.reduce((sum, { atomCount }) => sum + atomCount, 0);
    await client.query(statements.change.deleteSessions(), [sessionIds, []], deletionOptions(atoms));
    await client.query(statements.change.emptyHeads(), [sessionIds]);
  }
  return heads
    .map(({ atomCount, messageCount }) => ({ sessions: 1, atoms: atomCount, messages: messageCount }))
    .reduce(addRemoved, NOTHING_REMOVED);
}

/** The heads in parts of a bounded number of atoms. */
function batchesOf(heads: readonly SessionHead[]): SessionHead[][] {
  const batches: SessionHead[][] = [];
  let atoms = Number.POSITIVE_INFINITY;
  for (const head of heads) {
    if (atoms + head.atomCount > MAX_DELETED_ATOMS) {
      batches.push([]);
      atoms = 0;
    }
    batches.at(-1)?.push(head);
    atoms += head.atomCount;
  }
  return batches;
}
