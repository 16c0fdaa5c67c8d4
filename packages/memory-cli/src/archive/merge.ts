import {
  compareRows,
  compareTombstones,
  mergeAround,
  type AtomRow,
  type FactFilter,
  type Facts,
  type MemoryStorage,
  type RefusedAtom,
  type Tombstone,
} from "@rivet/memory-core";
import type { Fact } from "./format.ts";
import { isSelected } from "./selection.ts";

/** The result of an import. */
export interface Imported {
  /** Atoms that were new. */
  inserted: number;
  /** Atoms that the archive's tombstones removed. */
  removed: number;
  readonly refused: RefusedAtom[];
}

/** The facts that are selected, in the order that merges want. */
export function selectedFacts(facts: readonly Fact[], filter: FactFilter = {}): Facts {
  const rows: AtomRow[] = [];
  const tombstones: Tombstone[] = [];
  for (const fact of facts) {
    if (!isSelected(fact, filter)) continue;
    if ("row" in fact) rows.push(fact.row);
    else tombstones.push(fact.tombstone);
  }
  return { rows: rows.sort(compareRows), tombstones: tombstones.sort(compareTombstones) };
}

/** Brings a storage facts of an archive: idempotent, and what it has deleted stays deleted. */
export async function mergeFacts(
  { replica }: MemoryStorage,
  facts: readonly Fact[],
  imported: Imported,
  filter: FactFilter = {},
): Promise<void> {
  const all = selectedFacts(facts, filter);
  if (all.rows.length + all.tombstones.length === 0) return;
  const { inserted, removed } = await mergeAround(
    (some) => replica.merge(some),
    all,
    (refused) => imported.refused.push(refused),
  );
  imported.inserted += inserted;
  imported.removed += removed;
}
