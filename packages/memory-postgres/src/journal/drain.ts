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
  /** The names of the providers that are to have everything. */
  readonly providers: readonly string[];
  /** Merges rows into one provider, all or nothing and idempotently. */
  readonly merge: (provider: string, facts: Facts) => Promise<Merged>;
  /** Told of rows that a provider refuses for good. They stay in the journal. */
  readonly onRefused: (provider: string, row: AtomKey, error: MemoryError) => void;
}

/** Which rows are brought, and how many at a time. */
export interface DrainPart {
  readonly pageRows: number;
  readonly bounds: JournalBounds;
}

/** What a drain goes by while it runs. */
interface DrainControl {
  /** Whether it is to end before the next page. */
  readonly isOver?: () => boolean;
  /** Fewer rows a page for a provider that is slow. Default: as many as the part has. */
  readonly pageLength?: PageLength;
}

const LARGE_BYTES = 256 * 1024;
/** Nearly all rows, in pages that take half a second at the most on a slow link. */
export const SMALL_ROWS: DrainPart = { pageRows: 500, bounds: { mostRowBytes: LARGE_BYTES, mostBytes: 1024 * 1024 } };
/** Large atoms, which take their time on the way, one by one. */
export const LARGE_ROWS: DrainPart = { pageRows: 1, bounds: { aboveRowBytes: LARGE_BYTES } };

/**
 * Brings one provider what the journal holds for it, page by page; only what it has acknowledged is settled. Any number of
 * processes may do so at once, and the parts side by side.
 *
 * @throws what the provider or the journal throws; what was settled before stays so.
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
  // A settled atom is in no row of the file; its bytes may be.
  if (after !== undefined) await journal.finishErasure?.();
}
