import type { Queryable } from "@rivet/db-manager";
import {
  addRemoved,
  NOTHING_REMOVED,
  ownerOf,
  type Deletion,
  type Removed,
  type SessionHead,
} from "@rivet/memory-core";
import { bury } from "./bury.ts";
import { deletionOptions, MAX_DELETED_ATOMS } from "./limits.ts";
import { toSessionHead, toStoredHead, type StoredHead, type TextRow } from "../statements/rows.ts";
import { inTransaction, type Store } from "../providers/store.ts";

/** The removed atoms, and the name of the provider that removed them. */
export interface RemovedAt extends Removed {
  readonly provider: string;
  /**
   * Whether the provider has the session, so that deleted atoms stay deleted; for a user, whether it has any session.
   */
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
    // Only locked sessions may be read, because others may change before their head is written.
    const { rows, provider } = await client.query<TextRow>(lock, values, { asText: true });
    const stored = deletion.scope === "user" ? undefined : ownSession(rows, deletion.userId);
    const isKnown = deletion.scope === "user" ? rows.length > 0 : stored !== undefined;
    const removed =
      deletion.scope === "user"
        ? await removeSessions(store, client, rows.map(toSessionHead))
        : await removeFromSession(store, client, deletion, stored);
    return { ...removed, provider, isKnown };
  });
}

/** @param stored the session with its locked head, if there is one. */
async function removeFromSession(
  store: Store,
  client: Queryable,
  deletion: Exclude<Deletion, { scope: "user" }>,
  stored: OwnSession | undefined,
): Promise<Removed> {
  if (stored === undefined) return NOTHING_REMOVED;
  const { head, row, userId, deletionCount } = stored;
  const { sessionId } = deletion;
  if (deletion.scope === "session") return removeSessions(store, client, [row]);
  const values = [sessionId, deletion.ids, [], ownerOf(userId)];
  const { rows: deleted } = await client.query<TextRow>(store.statements.change.deleteAtoms(), values, {
    asText: true,
  });
  if (head === undefined) {
    // The session has no atoms, but atoms in transit must meet the tombstones.
    await client.query(store.statements.change.countDeletions(), [[sessionId]]);
    store.deletions.learn(sessionId, deletionCount + 1);
    return NOTHING_REMOVED;
  }
  const next = await bury(store, client, { head, deletionCount }, deleted);
  return { sessions: 0, atoms: deleted.length, messages: head.messageCount - (next?.messageCount ?? 0) };
}

interface OwnSession extends StoredHead {
  readonly userId: string;
  /** The columns of the head, even of a session without atoms. */
  readonly row: SessionHead;
}

/** Returns the session, unless it does not exist or belongs to someone else. */
function ownSession(rows: readonly TextRow[], guard: string | undefined): OwnSession | undefined {
  if (rows[0] === undefined) return undefined;
  const stored = toStoredHead(rows[0]);
  const { userId } = stored.claim;
  if (userId === undefined || (guard !== undefined && guard !== userId)) return undefined;
  return { ...stored, userId, row: toSessionHead(rows[0]) };
}

async function removeSessions(
  { statements }: Store,
  client: Queryable,
  heads: readonly SessionHead[],
): Promise<Removed> {
  for (const batch of batchesOf(heads)) {
    const sessionIds = batch.map(({ sessionId }) => sessionId);
    const atoms = batch.reduce((sum, { atomCount }) => sum + atomCount, 0);
    const owners = batch.map(({ userId }) => ownerOf(userId));
    await client.query(statements.change.deleteSessions(), [sessionIds, [], owners], deletionOptions(atoms));
    await client.query(statements.change.forgetHeads(), [sessionIds]);
  }
  // A session without atoms is invisible and does not count.
  return heads
    .filter(({ atomCount }) => atomCount > 0)
    .map(({ atomCount, messageCount }) => ({ sessions: 1, atoms: atomCount, messages: messageCount }))
    .reduce(addRemoved, NOTHING_REMOVED);
}

/** Splits heads into parts with a bounded number of atoms. */
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
