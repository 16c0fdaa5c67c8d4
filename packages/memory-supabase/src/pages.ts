import { toPage, type Entry } from "./rows.ts";

/** The largest number that PostgreSQL takes for an integer. */
export const MAX_LIMIT = 0x7fff_ffff;

/**
 * All entries of what was asked for, page by page: a page ends where a project's answer would become too large.
 *
 * @param ask for the page after an entry, and for so many at most.
 * @param limit how many there may be.
 */
export async function allEntries(
  ask: (last: Entry | undefined, limit: number) => Promise<unknown>,
  limit: number,
): Promise<Entry[]> {
  const all: Entry[] = [];
  for (;;) {
    const { entries, more } = toPage(await ask(all.at(-1), Math.min(limit - all.length, MAX_LIMIT)));
    all.push(...entries);
    if (!more || all.length >= limit || entries.length === 0) return all;
  }
}
