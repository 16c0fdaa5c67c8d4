/**
 * Appends a write in a transaction, for cases that one statement cannot decide. It locks the heads, reads the stored
 * rows, and applies the rules of the core, which refuse a write with the same error in every backend.
 */
import type { Queryable } from "@rivet/db-manager";
import {
  assertNotOverruled,
  assertUnchanged,
  assertWritable,
  bySession,
  clearedBounds,
  conflictingAtom,
  isSameAtom,
  NIL_ID,
  ownerOf,
  UNCLAIMED,
  type AtomRow,
  type AtomWrite,
  type SessionWrite,
} from "@rivet/memory-core";
import { appendToSessions, type Written } from "./append-to-sessions.ts";
import { bury } from "./bury.ts";
import { chunksOf, deletionOptions } from "./limits.ts";
import { idOfBits, text, toAtomRow, toStoredHead, type StoredHead, type TextRow } from "../statements/rows.ts";
import { inTransaction, type Store } from "../providers/store.ts";

export function appendCarefully(store: Store, write: AtomWrite): Promise<Written> {
  return inTransaction(store, async (client) => {
    const sessions = write.session === undefined ? sessionsOf(write.rows) : [write.session];
    const { heads, provider } = await lockHeads(store, client, sessions);
    for (const session of sessions) {
      const stored = heads.get(session.sessionId);
      assertWritable(session, stored?.claim ?? UNCLAIMED, () => stored?.deletedFor ?? []);
    }
    const before = write.session === undefined ? undefined : heads.get(write.session.sessionId)?.head;
    const cleared = write.session === undefined ? 0 : await clear(store, client, write.session, heads);
    const { absent, alreadyThere } = await lookUp(store, client, write.rows);
    if (write.session !== undefined && cleared + absent.length > 0)
      assertUnchanged(write.session, before, alreadyThere);
    for (const rows of bySession(absent)) assertNotOverruled(heads.get(rows[0].sessionId)?.head, rows, store.nowMs());
    const versions = await insert(store, client, absent, heads);
    const sessionId = write.session?.sessionId ?? "";
    const historyXor = versions.get(sessionId) ?? heads.get(sessionId)?.head?.historyXor ?? NIL_ID;
    return { written: absent.length, historyXor, provider };
  });
}

export function sessionsOf(rows: readonly AtomRow[]): SessionWrite[] {
  return bySession(rows).map(([{ sessionId, userId }]) => ({ sessionId, userId }));
}

interface LockedHead extends StoredHead {
  /** The owners of the tombstones of the whole session. */
  readonly deletedFor: readonly string[];
}

export type Heads = Map<string, LockedHead>;

/** Locks the sessions, including new ones, so that one of two writers waits for the other. */
export async function lockHeads(
  { statements, deletions }: Store,
  client: Queryable,
  sessions: readonly Pick<SessionWrite, "sessionId">[],
): Promise<{ readonly heads: Heads; readonly provider: string }> {
  const sessionIds = sessions.map(({ sessionId }) => sessionId);
  await client.query(statements.change.createHeads(), [sessionIds]);
  const { rows, provider } = await client.query<TextRow>(statements.change.lockHeads(), [sessionIds], { asText: true });
  const { rows: buried } = await client.query<TextRow>(statements.change.selectDeletedSessions(), [sessionIds]);
  const deleted = Map.groupBy(buried, (row) => text(row, "sessionId"));
  const heads = new Map(
    rows.map((row) => {
      const sessionId = text(row, "sessionId");
      const deletedFor = (deleted.get(sessionId) ?? []).map((tombstone) => text(tombstone, "owner"));
      return [sessionId, { ...toStoredHead(row), deletedFor }];
    }),
  );
  for (const [sessionId, { deletionCount }] of heads) deletions.learn(sessionId, deletionCount);
  return { heads, provider };
}

/** Deletes the messages that a save clears, and writes the new head. @returns the number of deleted messages. */
async function clear(store: Store, client: Queryable, session: SessionWrite, heads: Heads): Promise<number> {
  const { sessionId } = session;
  const stored = heads.get(sessionId);
  if (stored?.head === undefined || session.clearThroughId === undefined) return 0;
  const options = { asText: true, ...deletionOptions(stored.head.messageCount) };
  const values = [sessionId, ...clearedBounds(session), ownerOf(session.userId)];
  const { rows } = await client.query<TextRow>(store.statements.change.deleteClearedMessages(), values, options);
  if (rows.length === 0) return 0;
  const head = await bury(store, client, { ...stored, head: stored.head }, rows);
  heads.set(sessionId, { ...stored, head, deletionCount: stored.deletionCount + 1 });
  return rows.length;
}

/** Finds the new and the stored rows. A row with a tombstone of its owner is in neither list, because it stays out. */
export async function lookUp(
  { statements }: Store,
  client: Queryable,
  rows: readonly AtomRow[],
): Promise<{ absent: AtomRow[]; alreadyThere: AtomRow[] }> {
  const absent: AtomRow[] = [];
  const alreadyThere: AtomRow[] = [];
  for (const chunk of chunksOf(rows)) {
    const owners = chunk.map(({ userId }) => ownerOf(userId));
    const values = [chunk.map(({ sessionId }) => sessionId), chunk.map(({ id }) => id), owners];
    const { rows: found } = await client.query<TextRow>(statements.change.lookUp(), values, { asText: true });
    const byId = new Map(found.map((row) => [`${text(row, "id")} ${text(row, "sessionId")}`, row]));
    for (const row of chunk) {
      const stored = byId.get(`${row.id} ${row.sessionId}`);
      if (stored === undefined) absent.push(row);
      else if (stored["userId"] !== null) {
        if (!isSameAtom(toAtomRow(stored), row)) throw conflictingAtom(row);
        alreadyThere.push(row);
      }
    }
  }
  return { absent, alreadyThere };
}

/** Inserts new rows. @returns the history versions of their sessions. */
export async function insert(
  store: Store,
  client: Queryable,
  rows: readonly AtomRow[],
  heads: Heads,
): Promise<Map<string, string>> {
  const { statements, isOneSessionPerStatement } = store;
  const toClaim = sessionsOf(rows).filter(({ sessionId }) => heads.get(sessionId)?.head === undefined);
  if (toClaim.length > 0) {
    const values = [toClaim.map(({ sessionId }) => sessionId), toClaim.map(({ userId }) => userId)];
    await client.query(statements.change.claimHeads(), values);
  }
  const deletionCountOf = (sessionId: string): number => heads.get(sessionId)?.deletionCount ?? 0;
  const versions = new Map<string, string>();
  const parts = isOneSessionPerStatement ? bySession(rows) : [rows];
  for (const chunk of parts.flatMap(chunksOf)) {
    const { statement, values } = appendToSessions(statements, chunk, deletionCountOf);
    const { rows: answer } = await client.query<TextRow>(statement, values, { asText: true });
    for (const row of answer) versions.set(text(row, "sessionId"), idOfBits(text(row, "historyXor")));
  }
  return versions;
}
