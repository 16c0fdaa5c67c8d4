import {
  compareRows,
  mergeAround,
  type AtomRow,
  type MemoryStorage,
  type RefusedAtom,
  type Tombstone,
} from "@rivet/memory-core";
import type { Block } from "./read.ts";

/** What an import has done. */
export interface Imported {
  /** Atoms that were new. */
  inserted: number;
  /** Atoms that the archive's tombstones removed. */
  removed: number;
  readonly refused: RefusedAtom[];
}

/** Brings a storage the facts of a block: idempotent, and what it has deleted stays deleted. */
export async function mergeBlock({ replica }: MemoryStorage, { facts }: Block, imported: Imported): Promise<void> {
  const rows: AtomRow[] = [];
  const tombstones: Tombstone[] = [];
  for (const fact of facts) {
    if ("row" in fact) rows.push(fact.row);
    else tombstones.push(fact.tombstone);
  }
  const all = { rows: rows.sort(compareRows), tombstones: tombstones.sort(compareRows) };
  const { inserted, removed } = await mergeAround(
    (some) => replica.merge(some),
    all,
    (refused) => imported.refused.push(refused),
  );
  imported.inserted += inserted;
  imported.removed += removed;
}
