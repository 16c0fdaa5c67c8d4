/** The steps of a journal, inside a transaction that somebody else begins and commits. */
import {
  compareRows,
  conflictingAtom,
  isSameAtom,
  type AtomKey,
  type AtomRow,
  type JournalBacklog,
  type JournalBounds,
  type JournalScope,
} from "@rivet/memory-core";
import type { SizedRow, Statements } from "./statements.ts";

/** Stands for every store while none has the atom. No store has this name. */
const ALL_STORES = "*";
const FIRST_KEY: AtomKey = { sessionId: "", id: "" };

/** The stores that lack an atom, in the form of the column: a JSON array of names. */
function targetOf(stores: readonly string[]): string {
  return JSON.stringify(stores.toSorted());
}

/** Undefined for all, whichever they are. */
function storesOf(target: string): readonly string[] | undefined {
  return target === ALL_STORES ? undefined : JSON.parse(target);
}

function targetsOf(statements: Statements, store: string): string[] {
  return statements.selectJournalTargets().filter((target) => storesOf(target)?.includes(store) ?? true);
}

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
  bounds: JournalBounds = {},
): readonly AtomRow[] {
  const rows = targetsOf(statements, store).flatMap((target) => pageOf(statements, target, after, limit, bounds));
  const page: AtomRow[] = [];
  let left = bounds.mostBytes ?? Infinity;
  for (const { bytes, ...row } of rows.sort(compareRows)) {
    left -= bytes;
    if (page.length === limit || (left < 0 && page.length > 0)) break;
    page.push(row);
  }
  return page;
}

function pageOf(
  statements: Statements,
  target: string,
  after: AtomKey,
  limit: number,
  bounds: JournalBounds,
): SizedRow[] {
  const rows: SizedRow[] = [];
  let left = bounds.mostBytes ?? Infinity;
  for (const row of statements.selectJournal(target, after, bounds)) {
    left -= row.bytes;
    rows.push(row);
    if (rows.length === limit || left < 0) break;
  }
  return rows;
}

/** The most bytes of a page of {@link heldOf}, but for its first row. */
const HELD_BYTES = 4 * 1024 * 1024;

/** The next rows of a scope, whichever stores lack them. */
export function heldOf(
  statements: Statements,
  scope: JournalScope,
  after: AtomKey = FIRST_KEY,
  limit: number,
): readonly AtomRow[] {
  const page: AtomRow[] = [];
  let left = HELD_BYTES;
  for (const { bytes, ...row } of statements.selectJournalScope(scope, after)) {
    const last = page.at(-1);
    if (last?.sessionId === row.sessionId && last.id === row.id) continue;
    left -= bytes;
    if (page.length === limit || (left < 0 && page.length > 0)) break;
    page.push(row);
  }
  return page;
}

/** Removes atoms, whichever stores lack them. */
export function discard(statements: Statements, atoms: readonly AtomKey[]): void {
  const targets = statements.selectJournalTargets();
  const removed = atoms.flatMap((atom) => targets.flatMap((target) => statements.deleteJournaled(target, atom) ?? []));
  if (removed.length > 0) statements.recordErasure();
}

/** The backlog of each of the stores. */
export function backlogOf(statements: Statements, stores: readonly string[]): JournalBacklog[] {
  const held = statements.selectJournalBacklog().map((row) => ({ ...row, stores: storesOf(row.target) }));
  return stores.map((store) => {
    const lacking = held.filter((row) => row.stores?.includes(store) ?? true);
    const sum = (count: (row: (typeof held)[number]) => number): number =>
      lacking.reduce((total, row) => total + count(row), 0);
    return {
      store,
      atoms: sum(({ atoms }) => atoms),
      bytes: sum(({ bytes }) => bytes),
      oldestId: lacking.map(({ oldestId }) => oldestId).sort()[0],
    };
  });
}

/**
 * An atom that several stores lack is held once. It goes before it is put back for those who still lack it, and all
 * others with it: a file that is full has no room for it twice.
 */
export function settle(
  statements: Statements,
  store: string,
  others: readonly string[],
  atoms: readonly AtomKey[],
): void {
  const taken = targetsOf(statements, store).map((target) => ({
    left: (storesOf(target) ?? others).filter((other) => other !== store),
    rows: atoms.flatMap((atom) => statements.deleteJournaled(target, atom) ?? []),
  }));
  if (taken.some(({ rows }) => rows.length > 0)) statements.recordErasure();
  for (const { left, rows } of taken) {
    if (left.length > 0) for (const row of rows) statements.insertJournaled(targetOf(left), row);
  }
}
