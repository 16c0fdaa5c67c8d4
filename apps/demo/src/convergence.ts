import { setTimeout as delay } from "node:timers/promises";
import { MemoryError } from "@rivet/memory-core";
import type { PostgresMemoryStorage, ReplicationStatus } from "@rivet/memory-postgres";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { PROVIDERS } from "./providers.ts";

const LOOK_EVERY_MS = 20;
const PATIENCE_MS = 60_000;

/**
 * Waits until every provider is reachable and no data is waiting for any of them.
 *
 * @returns one sentence for each delivery that is unfinished at the timeout; otherwise an empty list.
 */
export async function untilConverged(storage: PostgresMemoryStorage, journalPath: string): Promise<string[]> {
  await using file = new SQLiteStorage(journalPath);
  const look = async (): Promise<string[]> => {
    const held = await heldFor(file);
    const waiting = held.map((name) => `the journal holds atoms for ${name}`);
    try {
      return [...waiting, ...underWay(await storage.getReplicationStatus())];
    } catch (error) {
      // A provider that was lost during the request is asked again.
      if (!MemoryError.isInstance(error) || !error.retryable) throw error;
      return [...waiting, error.message];
    }
  };
  return await untilNothing(look);
}

/** @returns the providers for which the journal still holds atoms at the timeout; otherwise an empty list. */
export async function untilJournalIsEmpty(journalPath: string): Promise<string[]> {
  await using file = new SQLiteStorage(journalPath);
  return await untilNothing(() => heldFor(file));
}

/** The providers for which the journal holds atoms. */
async function heldFor({ journal }: SQLiteStorage): Promise<string[]> {
  const rows = await Promise.all(PROVIDERS.map((name) => journal.pending(name, undefined, 1)));
  return PROVIDERS.filter((_, index) => rows[index]?.length !== 0);
}

function underWay({ pairs, unreachable }: ReplicationStatus): string[] {
  return [
    ...unreachable.map((name) => `${name} cannot be reached`),
    ...pairs
      .filter(({ hints, needsRepair }) => hints > 0 || needsRepair)
      .map(({ from, to, hints }) => `${from} holds ${hints} hints for ${to}`),
  ];
}

async function untilNothing(look: () => Promise<string[]>): Promise<string[]> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const left = await look();
    if (left.length === 0 || performance.now() >= endMs) return left;
    await delay(LOOK_EVERY_MS);
  }
}
