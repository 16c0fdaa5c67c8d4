import type { AtomRow } from "./atom-row.ts";

/** The limits of one statement or request. */
export interface RowLimits {
  readonly rows: number;
  /** UTF-16 code units of content and metadata. */
  readonly units: number;
}

/** The remaining room for rows. The first rows always fit, because a single row may exceed the limits. */
export class RowRoom {
  readonly #limits: RowLimits;
  #rows = 0;
  #units = 0;

  constructor(limits: RowLimits) {
    this.#limits = limits;
  }

  /** Takes room for the rows, if there is enough. @returns whether there was enough. */
  take(rows: readonly AtomRow[]): boolean {
    const units = unitsOf(rows);
    const isEnough = isWithin(this.#limits, this.#rows + rows.length, this.#units + units);
    if (!isEnough && this.#rows > 0) return false;
    this.#rows += rows.length;
    this.#units += units;
    return true;
  }
}

/** Whether all of the rows fit. It is on the path of every save. */
export function fitsRoom(rows: readonly AtomRow[], limits: RowLimits): boolean {
  return rows.length <= 1 || isWithin(limits, rows.length, unitsOf(rows));
}

/** Rows with more code units than this are slow to transfer, and delay other writes. */
const LARGE_UNITS = 256 * 1024;

/** Whether the rows would delay other writes in the same group. It is on the path of every save. */
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
