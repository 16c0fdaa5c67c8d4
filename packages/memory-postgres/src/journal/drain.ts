import {
  mergeAround,
  type AtomJournal,
  type JournalBounds,
  type AtomKey,
  type Facts,
  type MemoryError,
  type Merged,
  type RefusedAtom,
} from "@rivet/memory-core";
import type { PageLength } from "./page-length.ts";

export interface DrainInit {
  readonly journal: AtomJournal;
  /** The names of the providers that must receive everything. */
  readonly providers: readonly string[];
  /** Merges rows into one provider, all or nothing and idempotently. */
  readonly merge: (provider: string, facts: Facts) => Promise<Merged>;
  /** Called with each row that a provider refuses for good. The row stays in the journal. */
  readonly onRefused: (provider: string, row: AtomKey, error: MemoryError) => void;
}

/** A class of rows to deliver, and the size of its pages. */
export interface DrainPart {
  readonly pageRows: number;
  readonly bounds: JournalBounds;
}

/** Controls of a running drain. */
interface DrainControl {
  /** Whether the drain must stop before the next page. */
  readonly isOver?: () => boolean;
  /** Shortens the pages for a slow provider. Default: pages of the part's size. */
  readonly pageLength?: PageLength;
}

const LARGE_BYTES = 256 * 1024;
/** Nearly all rows, in pages that take at most half a second on a slow link. */
export const SMALL_ROWS: DrainPart = { pageRows: 500, bounds: { mostRowBytes: LARGE_BYTES, mostBytes: 1024 * 1024 } };
/** Large atoms, which take long to transfer and are delivered one by one. */
export const LARGE_ROWS: DrainPart = { pageRows: 1, bounds: { aboveRowBytes: LARGE_BYTES } };

/**
 * Delivers the journal's rows for one provider, page by page, and settles only rows that the provider has acknowledged.
 * Any number of processes may drain at once, and both parts in parallel.
 *
 * @throws the errors of the provider and of the journal; rows settled before stay settled.
 */
export async function drain(
  { journal, providers, merge, onRefused }: DrainInit,
  provider: string,
  { pageRows, bounds }: DrainPart,
  { isOver = () => false, pageLength }: DrainControl = {},
): Promise<void> {
  const others = providers.filter((name) => name !== provider);
  let after: AtomKey | undefined;
  while (!isOver()) {
    const rows = await journal.pending(provider, after, pageLength?.rows ?? pageRows, bounds);
    if (rows.length === 0) break;
    const refused: RefusedAtom[] = [];
    const bring = (): Promise<Merged> =>
      mergeAround(
        (facts) => merge(provider, facts),
        { rows, tombstones: [] },
        (atom) => refused.push(atom),
      );
    await (pageLength === undefined ? bring() : pageLength.measure(rows.length, bring));
    for (const { row, error } of refused) onRefused(provider, row, error);
    const isRefused = new Set<AtomKey>(refused.map(({ row }) => row));
    await journal.settle(
      provider,
      others,
      rows.filter((row) => !isRefused.has(row)),
    );
    after = rows.at(-1);
  }
  // A settled atom is no longer in a row of the file, but its bytes may still be in the file.
  if (after !== undefined) await journal.finishErasure?.();
}
