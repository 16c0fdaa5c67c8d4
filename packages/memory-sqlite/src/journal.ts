/** The steps of a journal, inside a transaction that somebody else begins and commits. */
import { type AtomKey, type AtomRow, type DeletedAtom } from "@rivet/memory-core";
import { append, writeHeadAfter } from "./append.ts";
import type { Statements } from "./statements.ts";

/** The target of a hint for an atom that no store has yet: one row stands for all of them. No store has this name. */
const ALL_STORES = "*";
const FIRST_KEY: AtomKey = { sessionId: "", id: "" };

/** @returns how many rows were new. */
export function appendToJournal(statements: Statements, rows: readonly AtomRow[], nowMs: number): number {
  const { written } = append(statements, { rows }, nowMs);
  for (const row of rows) statements.insertHint(ALL_STORES, row);
  return written;
}

export function pendingFor(
  statements: Statements,
  store: string,
  after: AtomKey = FIRST_KEY,
  limit: number,
): readonly AtomRow[] {
  return statements.selectHinted([ALL_STORES, store], after, limit);
}

export function settle(
  statements: Statements,
  store: string,
  others: readonly string[],
  atoms: readonly AtomKey[],
): void {
  const removed = new Map<string, DeletedAtom[]>();
  for (const atom of atoms) {
    if (statements.deleteHint(ALL_STORES, atom)) for (const other of others) statements.insertHint(other, atom);
    else statements.deleteHint(store, atom);
    if (statements.hasHint([ALL_STORES, ...others], atom)) continue;
    const deleted = statements.deleteAtom(atom.sessionId, atom.id);
    if (deleted !== undefined) removed.set(atom.sessionId, [...(removed.get(atom.sessionId) ?? []), deleted]);
  }
  for (const [sessionId, deleted] of removed) {
    const head = statements.selectHead(sessionId);
    if (head !== undefined) writeHeadAfter(statements, head, deleted);
  }
}
