import { isSameItem, type TimelineItem } from "./timeline-items.ts";

/** Entries that are drawn, or left as they are, together. */
export interface Chunk {
  readonly items: readonly TimelineItem[];
  /** The entry before the first of them. */
  readonly before: TimelineItem | undefined;
}

const LENGTH = 40;

/**
 * The entries in chunks, each the very object that it was before where nothing in it changed: then what was drawn of it
 * may stay, and the cost of a page that comes in follows the page and not the session. Pure.
 */
export function chunksOf(items: readonly TimelineItem[], previous: readonly Chunk[]): Chunk[] {
  const known = new Map(previous.map((chunk) => [chunk.items[0]?.atom.id, chunk]));
  const starts: number[] = [];
  for (const [index, { atom }] of items.entries()) {
    const start = starts.at(-1);
    if (start === undefined || index - start >= LENGTH || known.has(atom.id)) starts.push(index);
  }
  return starts.map((start, number) => {
    const chunk = { items: items.slice(start, starts[number + 1]), before: items[start - 1] };
    const same = known.get(chunk.items[0]?.atom.id);
    return same !== undefined && isSameChunk(same, chunk) ? same : chunk;
  });
}

function isSameChunk(left: Chunk, right: Chunk): boolean {
  return (
    left.before?.atom === right.before?.atom &&
    left.items.length === right.items.length &&
    left.items.every((item, index) => {
      const other = right.items[index];
      return other !== undefined && isSameItem(item, other);
    })
  );
}
