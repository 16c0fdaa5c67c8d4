import { AtomClock, compareRows, type AtomKey, type AtomRow } from "@rivet/memory-core";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { expect, it, onTestFinished } from "vitest";
import { temporaryFile } from "./temporary-file.ts";

const clock = new AtomClock();
const STORES = ["neon", "railway"];

function rowOf(sessionId: string, memoryType = "message_user"): AtomRow {
  return {
    sessionId,
    id: clock.next(),
    userId: "ada",
    memoryType,
    content: '"text"',
    metadata: "{}",
    createdAtMs: 5,
    expiresAtMs: null,
  };
}

async function openJournal(path?: string): Promise<SQLiteStorage> {
  const storage = new SQLiteStorage(path ?? (await temporaryFile()));
  onTestFinished(() => storage.close());
  return storage;
}

async function pendingIds({ journal }: SQLiteStorage, after?: AtomKey, limit = 100): Promise<string[][]> {
  const rows = await Promise.all(STORES.map((store) => journal.pending(store, after, limit)));
  return rows.map((page) => page.map(({ id }) => id));
}

it("a journal holds what it took for every store, also after it was closed", async () => {
  const path = await temporaryFile();
  const rows = [rowOf("a"), rowOf("a"), rowOf("b", "log")];
  const first = await openJournal(path);
  expect(await first.journal.append(rows)).toBe(3);
  expect(await first.journal.append(rows)).toBe(0);
  await first.close();
  const { journal } = await openJournal(path);
  for (const store of STORES) expect(await journal.pending(store, undefined, 100)).toEqual(rows);
});

it("gives pages in the order of the keys", async () => {
  const storage = await openJournal();
  const rows = [rowOf("a"), rowOf("a"), rowOf("b"), rowOf("c")];
  await storage.journal.append(
    rows.toReversed().toSorted((left, right) => (left.sessionId < right.sessionId ? -1 : 1)),
  );
  await storage.journal.settle("railway", ["neon"], rows.slice(1, 2));
  const ids = rows.map(({ id }) => id);
  expect(await pendingIds(storage, undefined, 2)).toEqual([ids.slice(0, 2), [ids[0], ids[2]]]);
  expect(await pendingIds(storage, rows[1], 2)).toEqual([ids.slice(2), ids.slice(2)]);
});

it("lets an atom go when all stores have it", async () => {
  const storage = await openJournal();
  const rows = [rowOf("a"), rowOf("a"), rowOf("b")];
  const [first, second, third] = rows.map(({ id }) => id);
  await storage.journal.append(rows);
  await storage.journal.settle("neon", ["railway"], rows);
  expect(await pendingIds(storage)).toEqual([[], [first, second, third]]);
  // A process that drained at the same time settles the same once more.
  await storage.journal.settle("neon", ["railway"], rows);
  expect(await pendingIds(storage)).toEqual([[], [first, second, third]]);
  await storage.journal.settle("railway", ["neon"], rows.slice(0, 1));
  expect(await pendingIds(storage)).toEqual([[], [second, third]]);
  await storage.journal.settle("railway", ["neon"], rows.slice(1));
  expect(await pendingIds(storage)).toEqual([[], []]);
  expect(await storage.journal.append(rows)).toBe(3);
});

it("stays apart from what the file holds itself", async () => {
  const storage = await openJournal();
  await storage.saveMemoryAtom({ sessionId: "a", userId: "ada", memoryType: "log", content: 1 });
  const row = rowOf("a");
  await storage.journal.append([row]);
  expect(await storage.listSessions()).toMatchObject([{ sessionId: "a", messageCount: 0 }]);
  for (const store of STORES) {
    const others = STORES.filter((other) => other !== store);
    await storage.journal.settle(store, others, [row]);
  }
  expect(await storage.queryMemoryAtoms({ sessionId: "a" })).toHaveLength(1);
});

it("refuses an id that it holds with other content, and everything after it was closed", async () => {
  const storage = await openJournal();
  const row = rowOf("a");
  await storage.journal.append([row]);
  const changed = storage.journal.append([rowOf("b"), { ...row, content: '"other"' }]);
  await expect(changed).rejects.toMatchObject({ code: "conflict", atomId: row.id });
  expect(await pendingIds(storage)).toEqual([[row.id], [row.id]]);
  await storage.close();
  await expect(storage.journal.append([rowOf("a")])).rejects.toMatchObject({ code: "closed" });
});

it("is emptied when it is full, too: an atom that several stores lack is held once", async () => {
  const path = await temporaryFile();
  const storage = new SQLiteStorage(path, { maxFileBytes: 300_000 });
  onTestFinished(() => storage.close());
  const stores = ["neon", "railway", "supabase", "local"];
  const rows: AtomRow[] = [];
  const fill = async (): Promise<never> => {
    for (;;) {
      const row = { ...rowOf(`s${rows.length % 7}`), content: `"${"x".repeat(600)}"` };
      await storage.journal.append([row]);
      rows.push(row);
    }
  };
  await expect(fill()).rejects.toMatchObject({ code: "unavailable" });
  expect(rows.length).toBeGreaterThan(100);
  rows.sort(compareRows);
  for (const [index, store] of stores.entries()) {
    const others = stores.filter((other) => other !== store);
    await storage.journal.settle(store, others, rows.slice(0, 50));
    await storage.journal.settle(store, others, rows.slice(50));
    expect(await storage.journal.pending(store, undefined, 1)).toEqual([]);
    for (const later of stores.slice(index + 1))
      expect(await storage.journal.pending(later, undefined, 1_000)).toEqual(rows);
  }
});
