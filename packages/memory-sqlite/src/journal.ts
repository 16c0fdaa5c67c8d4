/** The steps of a journal, inside a transaction that somebody else begins and commits. */
import { compareRows, conflictingAtom, isSameAtom, type AtomKey, type AtomRow } from "@rivet/memory-core";
import type { Statements } from "./statements.ts";

/** Stands for every store while none has the atom. No store has this name. */
const ALL_STORES = "*";
const FIRST_KEY: AtomKey = { sessionId: "", id: "" };

/**
 * @returns how many rows were new.
 * @throws {MemoryError} `conflict` for an id that it holds with other content.
 */
export function appendToJournal(statements: Statements, rows: readonly AtomRow[]): number {
  let written = 0;
  for (const row of rows) {
    if (statements.insertJournaled(ALL_STORES, row)) {
      written += 1;
      continue;
    }
    const held = statements.selectJournaled(ALL_STORES, row);
    if (held !== undefined && !isSameAtom(held, row)) throw conflictingAtom(row);
  }
  return written;
}

export function pendingFor(
  statements: Statements,
  store: string,
  after: AtomKey = FIRST_KEY,
  limit: number,
): readonly AtomRow[] {
  const rows = [ALL_STORES, store].flatMap((target) => statements.selectJournal(target, after, limit));
  return rows.sort(compareRows).slice(0, limit);
}

/** An atom that no store had is from now on held for each of the others. */
export function settle(
  statements: Statements,
  store: string,
  others: readonly string[],
  atoms: readonly AtomKey[],
): void {
  for (const atom of atoms) {
    statements.deleteJournaled(store, atom);
    const row = statements.deleteJournaled(ALL_STORES, atom);
    if (row !== undefined) for (const other of others) statements.insertJournaled(other, row);
  }
}
