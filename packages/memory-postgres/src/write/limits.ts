import { RowRoom, type AtomRow, type RowLimits } from "@rivet/memory-core";

/**
 * The limits of one statement. A larger one would occupy its connection, and delay the operations that wait, for too
 * long.
 */
export const STATEMENT_LIMITS: RowLimits = { rows: 1_000, units: 4 * 1024 * 1024 };

/** Splits rows, in their order, into parts that each fit a statement. */
export function chunksOf(rows: readonly AtomRow[]): AtomRow[][] {
  const chunks: AtomRow[][] = [];
  let room = new RowRoom(STATEMENT_LIMITS);
  for (const row of rows) {
    if (chunks.length === 0 || !room.take([row])) {
      room = new RowRoom(STATEMENT_LIMITS);
      room.take([row]);
      chunks.push([]);
    }
    chunks.at(-1)?.push(row);
  }
  return chunks;
}

/** The most atoms that one statement removes, unless a single session has more. */
export const MAX_DELETED_ATOMS = 20_000;

/** Returns options for a statement that removes so many atoms. Many atoms need a longer time-out than usual. */
export function deletionOptions(atoms: number): { timeoutMs?: number } {
  // Measured: 10 µs an atom.
  return atoms <= MAX_DELETED_ATOMS ? {} : { timeoutMs: 5_000 + atoms / 10 };
}

/**
 * The time-out for reading a whole session, in milliseconds: its size is not known beforehand, and may be megabytes.
 */
export const LOAD_TIMEOUT_MS = 5_000;
