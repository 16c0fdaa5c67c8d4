import { setTimeout as delay } from "node:timers/promises";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { NAMES } from "../cluster.ts";

const LOOK_EVERY_MS = 10;
/** More atoms than a trial writes. */
const ALL = 1_000_000;

/** The ids that a journal holds for any provider. */
export async function journaledIds(path: string): Promise<string[]> {
  await using file = new SQLiteStorage(path);
  const held = await Promise.all(NAMES.map((name) => file.journal.pending(name, undefined, ALL)));
  return [...new Set(held.flat().map(({ id }) => id))];
}

/**
 * Waits until a journal, into which nothing is written any more, holds nothing for any provider; not longer than the
 * limit.
 */
export async function untilDrained(path: string, limitMs: number): Promise<void> {
  await using file = new SQLiteStorage(path);
  const endMs = performance.now() + limitMs;
  for (const name of NAMES) {
    while ((await file.journal.pending(name, undefined, 1)).length > 0 && performance.now() < endMs) {
      await delay(LOOK_EVERY_MS);
    }
  }
}
