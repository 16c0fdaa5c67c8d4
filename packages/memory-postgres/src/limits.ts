import type { AtomRow } from "@rivet/memory-core";

/** What one statement may carry: more would hold its connection, and those who wait for it, too long. */
const MAX_ROWS = 1_000;
const MAX_UNITS = 4 * 1024 * 1024;

/** Whether rows are few and small enough for one statement. A single row always is. */
export function fitsStatement(rows: readonly AtomRow[]): boolean {
  return rows.length <= 1 || (rows.length <= MAX_ROWS && sizeOf(rows) <= MAX_UNITS);
}

/** The rows in parts that fit a statement each, in their order. */
export function chunksOf(rows: readonly AtomRow[]): AtomRow[][] {
  const chunks: AtomRow[][] = [];
  let chunk: AtomRow[] = [];
  let units = 0;
  for (const row of rows) {
    const size = sizeOf([row]);
    if (chunk.length === MAX_ROWS || (chunk.length > 0 && units + size > MAX_UNITS)) {
      chunks.push(chunk);
      chunk = [];
      units = 0;
    }
    chunk.push(row);
    units += size;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}

/** The JSON text of rows, in UTF-16 units. */
export function sizeOf(rows: readonly AtomRow[]): number {
  return rows.reduce((units, { content, metadata }) => units + content.length + metadata.length, 0);
}
