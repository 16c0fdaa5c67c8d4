import {
  mergeAround,
  type AtomJournal,
  type AtomKey,
  type AtomRow,
  type Facts,
  type MemoryError,
  type Merged,
  type RefusedAtom,
} from "@rivet/memory-core";

export interface DrainInit {
  readonly journal: AtomJournal;
  /** The names of the providers that are to have everything. */
  readonly providers: readonly string[];
  /** Merges rows into one provider, all or nothing and idempotently. */
  readonly merge: (provider: string, facts: Facts) => Promise<Merged>;
  /** Told of rows that a provider refuses for good. They stay in the journal. */
  readonly onRefused: (provider: string, row: AtomRow, error: MemoryError) => void;
}

const PAGE_ROWS = 500;

/**
 * Brings one provider what the journal holds for it, page by page; only what it has acknowledged is settled. Any number of
 * processes may do so at once.
 *
 * @throws what the provider or the journal throws; what was settled before stays so.
 */
export async function drain({ journal, providers, merge, onRefused }: DrainInit, provider: string): Promise<void> {
  const others = providers.filter((name) => name !== provider);
  let after: AtomKey | undefined;
  for (;;) {
    const rows = await journal.pending(provider, after, PAGE_ROWS);
    if (rows.length === 0) return;
    const refused: RefusedAtom[] = [];
    await mergeAround(
      (facts) => merge(provider, facts),
      { rows, tombstones: [] },
      (atom) => refused.push(atom),
    );
    for (const { row, error } of refused) onRefused(provider, row, error);
    const isRefused = new Set(refused.map(({ row }) => row));
    await journal.settle(
      provider,
      others,
      rows.filter((row) => !isRefused.has(row)),
    );
    after = rows.at(-1);
  }
}
