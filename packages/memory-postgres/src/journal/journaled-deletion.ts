/**
 * Deletes atoms that wait in the local journal. The atoms are first delivered to a provider, so that the deletion finds
 * and counts them and leaves tombstones, which refuse a page of the same atoms that arrives at another provider later.
 * Then the atoms are removed from the journal. If the process ends in between, the journal keeps rows that every
 * provider refuses.
 *
 * This does not reach journals of other machines: the tombstones refuse their rows.
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

/** A selection of journal atoms to delete. */
export interface JournaledDeletion {
  readonly scope: JournalScope;
  /** Whether an atom of the scope must be deleted. */
  readonly isDeleted: (row: AtomRow) => boolean;
}

export function journaledDeletion(deletion: Deletion): JournaledDeletion {
  if (deletion.scope === "user") return { scope: { userId: deletion.userId }, isDeleted: () => true };
  const scope = { sessionId: deletion.sessionId, userId: deletion.userId };
  if (deletion.scope === "session") return { scope, isDeleted: () => true };
  const ids = new Set(deletion.ids);
  return { scope, isDeleted: ({ id }) => ids.has(id) };
}

/** Selects the messages that clearing a session's history removes. */
export function journaledClearing(session: SessionWrite): JournaledDeletion {
  return {
    scope: { sessionId: session.sessionId },
    isDeleted: ({ id, memoryType }) => roleOf(memoryType) !== undefined && isCleared(id, session),
  };
}

/**
 * Delivers the atoms that will be deleted to a provider. An atom that the provider refuses for good stays in the
 * journal.
 *
 * @throws the errors of the journal, and the error of `merge` if the provider could not be reached.
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

/** Removes the deleted atoms from the journal. */
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
