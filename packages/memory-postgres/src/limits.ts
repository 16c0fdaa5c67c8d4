import type { AtomRow } from "@rivet/memory-core";

/** What one statement may carry: more would hold its connection, and those who wait for it, too long. */
const MAX_ROWS = 1_000;
const MAX_UNITS = 4 * 1024 * 1024;

/** What is left of the room of one statement. The first rows always fit: a single row may be larger than the rest. */
export class StatementRoom {
  #rows = 0;
  #units = 0;

  /** Takes the room for rows, if there is enough. @returns whether there was. */
  take(rows: readonly AtomRow[]): boolean {
    const units = unitsOf(rows);
    const isEnough = isWithin(this.#rows + rows.length, this.#units + units);
    if (!isEnough && this.#rows > 0) return false;
    this.#rows += rows.length;
    this.#units += units;
    return true;
  }
}

/** Whether one statement may carry the rows. It is on the path of every save. */
export function fitsStatement(rows: readonly AtomRow[]): boolean {
  return rows.length <= 1 || isWithin(rows.length, unitsOf(rows));
}

function isWithin(rows: number, units: number): boolean {
  return rows <= MAX_ROWS && units <= MAX_UNITS;
}

function unitsOf(rows: readonly AtomRow[]): number {
  let units = 0;
  for (const { content, metadata } of rows) units += content.length + metadata.length;
  return units;
}

/** The rows in parts that fit a statement each, in their order. */
export function chunksOf(rows: readonly AtomRow[]): AtomRow[][] {
  const chunks: AtomRow[][] = [];
  let room = new StatementRoom();
  for (const row of rows) {
    if (chunks.length === 0 || !room.take([row])) {
      room = new StatementRoom();
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
