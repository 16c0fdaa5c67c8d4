import type { AtomRow } from "./atom-row.ts";

/** What one statement or request may carry. */
export interface RowLimits {
  readonly rows: number;
  /** UTF-16 code units of content and metadata. */
  readonly units: number;
}

/** What is left of the room for rows. The first ones always fit: a single row may be larger than the rest. */
export class RowRoom {
  readonly #limits: RowLimits;
  #rows = 0;
  #units = 0;

  constructor(limits: RowLimits) {
    this.#limits = limits;
  }

  /** Takes the room for rows, if there is enough. @returns whether there was. */
  take(rows: readonly AtomRow[]): boolean {
    const units = unitsOf(rows);
    const isEnough = isWithin(this.#limits, this.#rows + rows.length, this.#units + units);
    if (!isEnough && this.#rows > 0) return false;
    this.#rows += rows.length;
    this.#units += units;
    return true;
  }
}

/** Whether there is room for all of the rows. It is on the path of every save. */
export function fitsRoom(rows: readonly AtomRow[], limits: RowLimits): boolean {
  return rows.length <= 1 || isWithin(limits, rows.length, unitsOf(rows));
}

/** Content of this many code units takes its time on the way: rows that hold more hold up others. */
const LARGE_UNITS = 256 * 1024;

/** Whether the rows hold up others that go along. It is on the path of every save. */
export function isLarge(rows: readonly AtomRow[]): boolean {
  return unitsOf(rows) > LARGE_UNITS;
}

function isWithin(limits: RowLimits, rows: number, units: number): boolean {
  return rows <= limits.rows && units <= limits.units;
}

function unitsOf(rows: readonly AtomRow[]): number {
  let units = 0;
  for (const { content, metadata } of rows) units += content.length + metadata.length;
  return units;
}
