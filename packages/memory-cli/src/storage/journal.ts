/** The local journal of this machine, which takes saves while no provider does. */
import { existsSync } from "node:fs";
import { encodeText, type AtomKey, type MemoryStorage } from "@rivet/memory-core";
import { hasProviders } from "../commands/replicated.ts";

const PAGE_ROWS = 500;

/** A file in the place where agents keep their journal by default, when the user named none. */
export function unnamedJournal(storage: MemoryStorage, journalPath: string | undefined): string | undefined {
  if (journalPath !== undefined || !hasProviders(storage)) return undefined;
  const path = storage.db.journal?.path;
  return path !== undefined && existsSync(path) ? path : undefined;
}

/** Counts the atoms of a user that wait in the named journal for a provider. */
export async function countJournaled(
  storage: MemoryStorage,
  journalPath: string | undefined,
  userId: string,
): Promise<number> {
  if (!hasProviders(storage) || journalPath === undefined || !existsSync(journalPath)) return 0;
  const { providerNames } = storage.db;
  // Nobody else has to load it.
  const { SQLiteStorage } = await import("@rivet/memory-sqlite");
  await using file = new SQLiteStorage(journalPath);
  const ids = new Set<string>();
  // Compared as stores hold it: no other form of a text stands for this user.
  const storedUserId = encodeText(userId);
  for (const provider of providerNames) {
    let after: AtomKey | undefined;
    do {
      const rows = await file.journal.pending(provider, after, PAGE_ROWS);
      for (const row of rows) if (row.userId === storedUserId) ids.add(row.id);
      after = rows.length < PAGE_ROWS ? undefined : rows.at(-1);
    } while (after !== undefined);
  }
  return ids.size;
}
