import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { startPostgres } from "@rivet/local-servers";
import { AtomClock, type AtomRow } from "@rivet/memory-core";
import { InMemoryStorage } from "@rivet/memory-inmemory";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { expect, it, onTestFinished } from "vitest";
import { drain, SMALL_ROWS } from "../src/drain.ts";
import { journalPath } from "./three-providers.ts";

const SECRET = "the-secret-of-ada";

it("a journal that was brought to all providers holds no byte of what it brought", { timeout: 30_000 }, async () => {
  const path = journalPath();
  const file = new SQLiteStorage(path);
  onTestFinished(() => file.close());
  const clock = new AtomClock();
  const rows = Array.from({ length: 700 }, (_, index): AtomRow => ({
    sessionId: `s${index % 9}`,
    id: clock.next(),
    userId: "ada",
    memoryType: "log",
    content: JSON.stringify(`${SECRET} ${index} `.repeat(1 + (index % 30))),
    metadata: "{}",
    createdAtMs: 5,
    expiresAtMs: null,
  }));
  await file.journal.append(rows);
  const providers = ["neon", "railway"];
  for (const provider of providers) {
    const target = new InMemoryStorage();
    const merge = (_: string, facts: Parameters<typeof target.replica.merge>[0]) => target.replica.merge(facts);
    await drain({ journal: file.journal, providers, merge, onRefused: () => undefined }, provider, SMALL_ROWS);
    expect(await target.queryMemoryAtoms({ limit: 1_000 })).toHaveLength(700);
  }
  await file.close();
  expect((await readFile(path)).includes(SECRET)).toBe(false);
});

it(
  "a receipt of PostgreSQL names the files in which rows that were erased still are",
  { timeout: 60_000 },
  async () => {
    await using server = await startPostgres();
    const url = await server.createDatabase();
    await using storage = new PostgresMemoryStorage({ connectionString: url, local: false });
    await storage.saveMemoryAtom({ sessionId: "s", userId: "ada", memoryType: "log", content: SECRET });
    const { residue } = await storage.deleteUser("ada");
    expect(residue.map(({ store, place, reason }) => [store, place, reason])).toEqual([
      ["postgres", "file", "vacuum"],
      ["postgres", "log", "retention"],
      ["postgres", "copies", "retention"],
    ]);
    expect(await storage.residue()).toEqual(residue);
    const database = new URL(url).pathname.slice(1);
    const isInFiles = async (place: string): Promise<boolean> => {
      await server.query("CHECKPOINT", [], database);
      return hasBytes(join(server.folder, "data", place));
    };
    expect(await isInFiles("base")).toBe(true);
    await server.query("VACUUM FULL public.session_memories", [], database);
    expect(await isInFiles("base")).toBe(false);
    expect(await isInFiles("pg_wal")).toBe(true);
  },
);

async function hasBytes(folder: string): Promise<boolean> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((found) => found.isFile())) {
    const bytes = await readFile(join(entry.parentPath, entry.name));
    if (bytes.includes(SECRET)) return true;
  }
  return false;
}
