/**
 * A deletion concerns atoms that wait in the local journal too. They are brought to a provider first, so that the deletion
 * finds them, counts them and leaves its tombstones: a page of them that is on its way to another provider arrives too late.
 * Afterwards the journal holds them no longer. A process that ends in between leaves rows that every provider refuses.
 *
 * Journals of other machines are not reached: their rows meet the tombstones.
 */
import {
  isCleared,
  mergeAround,
  roleOf,
  type AtomJournal,
  type AtomKey,
  type AtomRow,
  type Deletion,
  type Facts,
  type JournalScope,
  type Merged,
  type SessionWrite,
} from "@rivet/memory-core";

const PAGE_ROWS = 500;

/** Which atoms of a journal are deleted. */
export interface JournaledDeletion {
  readonly scope: JournalScope;
  /** Whether an atom of the scope is deleted. */
  readonly isDeleted: (row: AtomRow) => boolean;
}

export function journaledDeletion(deletion: Deletion): JournaledDeletion {
  if (deletion.scope === "user") return { scope: { userId: deletion.userId }, isDeleted: () => true };
  const scope = { sessionId: deletion.sessionId, userId: deletion.userId };
  if (deletion.scope === "session") return { scope, isDeleted: () => true };
  const ids = new Set(deletion.ids);
  return { scope, isDeleted: ({ id }) => ids.has(id) };
}

/** The messages that go when the history of a session is cleared. */
export function journaledClearing(session: SessionWrite): JournaledDeletion {
  return {
    scope: { sessionId: session.sessionId },
    isDeleted: ({ id, memoryType }) => roleOf(memoryType) !== undefined && isCleared(id, session),
  };
}

/**
 * Brings a provider the atoms that are to be deleted. One that the provider refuses for good stays.
 *
 * @throws what the journal throws, and `merge` where the provider could not be asked.
 */
export async function deliverDeleted(
  journal: AtomJournal,
  deletion: JournaledDeletion,
  merge: (facts: Facts) => Promise<Merged>,
): Promise<void> {
  for await (const rows of pagesOf(journal, deletion)) {
    await mergeAround(merge, { rows, tombstones: [] }, () => undefined);
  }
}

/** Removes the atoms that were deleted from the journal. */
export async function discardDeleted(journal: AtomJournal, deletion: JournaledDeletion): Promise<void> {
  for await (const rows of pagesOf(journal, deletion)) await journal.discard(rows);
}

async function* pagesOf(journal: AtomJournal, { scope, isDeleted }: JournaledDeletion): AsyncGenerator<AtomRow[]> {
  let after: AtomKey | undefined;
  for (;;) {
    const rows = await journal.held(scope, after, PAGE_ROWS);
    if (rows.length === 0) return;
    const deleted = rows.filter(isDeleted);
    if (deleted.length > 0) yield deleted;
    after = rows.at(-1);
  }
}
