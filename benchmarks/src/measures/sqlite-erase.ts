import { join } from "node:path";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import Database from "better-sqlite3";
import { medianOf } from "../comparison/statistics.ts";
import type { Measure } from "../measure.ts";
import { inTemporaryFolder } from "../workload.ts";

const USERS = 16;
const ATOMS_PER_USER = 10_000;
const SESSIONS_PER_USER = 50;

/**
 * Erases users of 10,000 atoms each from a file of some 100 MB, against hand-written DELETEs of as many rows, and then
 * compacts it.
 */
export function eraseUsers(): Promise<Measure[]> {
  return inTemporaryFolder(async (folder) => {
    const path = join(folder, "ours.db");
    // The residue of all erasures is ended once, at the end, and measured apart.
    await using storage = await new SQLiteStorage(path, { maxCompactionBytes: 0 }).open();
    for (let user = 0; user < USERS; user++) await storage.saveMemoryAtoms(atomsOf(user));
    const bare = bareCopy(path, join(folder, "bare.db"));
    const times = { ours: [] as number[], reference: [] as number[] };
    // The last users stay, so that there is something to rewrite.
    for (let user = 0; user < USERS / 2; user++) {
      times.ours.push(await timeOf(() => storage.deleteUser(`user ${user}`)));
      times.reference.push(await timeOf(() => deleteByHand(bare, `user ${user}`)));
    }
    const [ours, reference] = [medianOf(times.ours), medianOf(times.reference)];
    const compaction = await timeOf(() => storage.compact());
    const vacuum = await timeOf(() => bare.exec("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)"));
    bare.close();
    return [
      {
        name: "SQLite: erase 10,000 atoms of a file of 100 MB, compaction apart",
        unit: "ms",
        ours,
        reference,
        ratio: ours / reference,
        bar: { kind: "at most", value: 2 },
        against: "DELETE of the same rows in the same tables",
      },
      {
        name: "SQLite: compaction of what is left of it",
        unit: "ms",
        ours: compaction,
        reference: vacuum,
        ratio: compaction / vacuum,
        bar: { kind: "at most", value: 1.5 },
        against: "VACUUM and a checkpoint",
      },
    ];
  });
}

function atomsOf(user: number): { sessionId: string; userId: string; memoryType: string; content: string }[] {
  return Array.from({ length: ATOMS_PER_USER }, (_, index) => ({
    sessionId: `session ${user} ${index % SESSIONS_PER_USER}`,
    userId: `user ${user}`,
    memoryType: "log",
    content: "x".repeat(380),
  }));
}

/** The same tables and rows, in a file that SQLite treats as it does by default. */
function bareCopy(from: string, to: string): Database.Database {
  const source = new Database(from, { readonly: true });
  source.prepare("VACUUM INTO ?").run(to);
  source.close();
  const copy = new Database(to);
  copy.pragma("journal_mode = WAL");
  copy.pragma("synchronous = FULL");
  return copy;
}

function deleteByHand(database: Database.Database, userId: string): void {
  const sessions = database.prepare("SELECT session_id FROM session_heads WHERE user_id = ?").pluck();
  const statements = ["session_memories", "session_tombstones", "session_heads"].map((table) =>
    database.prepare(`DELETE FROM ${table} WHERE session_id = ?`),
  );
  database.transaction(() => {
    for (const sessionId of sessions.all(userId)) for (const statement of statements) statement.run(sessionId);
  })();
  database.pragma("wal_checkpoint(TRUNCATE)");
}

async function timeOf(work: () => unknown): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}
