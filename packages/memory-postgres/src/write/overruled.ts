/**
 * Checks metadata changes that go through the local journal. A change has no effect if an id that is ahead of the clock
 * already decided its key; a save at a provider refuses such a change. For the journal, this process refuses the
 * changes that it can recognise; the delivery reports the others.
 */
import {
  assertNotOverruled,
  bySession,
  lastIdWithinLead,
  MemoryError,
  SESSION_METADATA,
  type AtomRow,
  type AtomWrite,
  type RowReader,
} from "@rivet/memory-core";
import { text, type TextRow } from "../statements/rows.ts";
import { OWN_STATEMENT, type Store } from "../providers/store.ts";

/**
 * @param reader the reader of the local replica, if there is one.
 * @throws {MemoryError} `conflict` for a change that is known to have no effect.
 */
export async function assertNotKnownOverruled(
  { rows, session }: AtomWrite,
  reader: (() => Promise<RowReader>) | undefined,
  nowMs: number,
): Promise<void> {
  const changes = changesIn(rows);
  if (changes.length === 0) return;
  if (session?.knownMetadataIds !== undefined) {
    const { sessionId, knownMetadataIds: metadataIds } = session;
    assertNotOverruled({ sessionId, metadataIds }, changes, nowMs);
  }
  if (reader === undefined) return;
  const local = await reader();
  for (const group of bySession(changes)) {
    const stored = await local.selectSession({ sessionId: group[0].sessionId, lastMessages: 1 });
    assertNotOverruled(stored?.head, group, nowMs);
  }
}

/**
 * Finds changes that a provider has accepted from the journal but that have no effect there.
 *
 * @param store a store whose route leads to that provider.
 * @returns the errors with which saves of the sessions would have been refused.
 */
export async function overruledAt(store: Store, rows: readonly AtomRow[]): Promise<MemoryError[]> {
  const changes = changesIn(rows);
  if (changes.length === 0) return [];
  const nowMs = store.nowMs();
  const groups = bySession(changes);
  const values = [groups.map(([{ sessionId }]) => sessionId), lastIdWithinLead(nowMs)];
  const options = { ...store.route, ...OWN_STATEMENT, readOnly: true };
  const found = await store.db.query<TextRow>(store.statements.read.selectMetadataDecidedAfter(), values, options);
  return found.rows.flatMap((row) => {
    const head = { sessionId: text(row, "sessionId"), metadataIds: text(row, "metadataIds") };
    const group = groups.find(([{ sessionId }]) => sessionId === head.sessionId) ?? [];
    return overruled(head, group, nowMs);
  });
}

function changesIn(rows: readonly AtomRow[]): AtomRow[] {
  return rows.filter(({ memoryType }) => memoryType === SESSION_METADATA);
}

function overruled(...[head, rows, nowMs]: Parameters<typeof assertNotOverruled>): MemoryError[] {
  try {
    assertNotOverruled(head, rows, nowMs);
    return [];
  } catch (error) {
    if (MemoryError.isInstance(error)) return [error];
    throw error;
  }
}
