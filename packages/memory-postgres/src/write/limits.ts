import { RowRoom, type AtomRow, type RowLimits } from "@rivet/memory-core";

/** What one statement may carry: more would hold its connection, and those who wait for it, too long. */
export const STATEMENT_LIMITS: RowLimits = { rows: 1_000, units: 4 * 1024 * 1024 };

/** The rows in parts that fit a statement each, in their order. */
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

/** How many atoms one statement removes, unless a single session has more. */
export const MAX_DELETED_ATOMS = 20_000;

/** Options for a statement that removes so many atoms: many take longer than statements usually may. */
export function deletionOptions(atoms: number): { timeoutMs?: number } {
  // 10 µs an atom were measured.
  return atoms <= MAX_DELETED_ATOMS ? {} : { timeoutMs: 5_000 + atoms / 10 };
}

/** For reading all of a session, in milliseconds: its end is not known beforehand, and megabytes take their time. */
export const LOAD_TIMEOUT_MS = 5_000;
