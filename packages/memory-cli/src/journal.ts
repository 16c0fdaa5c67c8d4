/** The local journal of this machine, which takes saves while no provider does. */
import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { decodeText, type AtomKey, type MemoryStorage } from "@rivet/memory-core";
import { hasProviders } from "./commands/replicated.ts";

const PAGE_ROWS = 500;
/** Storages look into it every two seconds. */
const PATIENCE_MS = 10_000;
const INTERVAL_MS = 200;

/** How many atoms of a user wait in it for a provider. */
export async function countJournaled(storage: MemoryStorage, userId: string): Promise<number> {
  if (!hasProviders(storage)) return 0;
  const { journal, providerNames } = storage.db;
  if (journal === undefined || !existsSync(journal.path)) return 0;
  // Nobody else has to load it.
  const { SQLiteStorage } = await import("@rivet/memory-sqlite");
  await using file = new SQLiteStorage(journal.path);
  const ids = new Set<string>();
  for (const provider of providerNames) {
    let after: AtomKey | undefined;
    do {
      const rows = await file.journal.pending(provider, after, PAGE_ROWS);
      for (const row of rows) if (decodeText(row.userId) === userId) ids.add(row.id);
      after = rows.length < PAGE_ROWS ? undefined : rows.at(-1);
    } while (after !== undefined);
  }
  return ids.size;
}

/**
 * Waits until a storage has brought the providers what it holds of a user, as long as it becomes less.
 *
 * @returns whether nothing is left.
 */
export async function waitForJournal(storage: MemoryStorage, userId: string, signal: AbortSignal): Promise<boolean> {
  let least = Number.POSITIVE_INFINITY;
  let endMs = 0;
  for (;;) {
    const count = await countJournaled(storage, userId);
    if (count === 0) return true;
    if (count < least) [least, endMs] = [count, performance.now() + PATIENCE_MS];
    else if (performance.now() > endMs) return false;
    await delay(INTERVAL_MS, undefined, { signal });
  }
}
