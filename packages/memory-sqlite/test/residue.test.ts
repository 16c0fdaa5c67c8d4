import { stat } from "node:fs/promises";
import { atLength } from "@rivet/local-servers";
import { AtomClock, type AtomRow, type MemoryStorage } from "@rivet/memory-core";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import Database from "better-sqlite3";
import { describe, expect, it, onTestFinished } from "vitest";
import { APPLICATION_ID, MIGRATIONS } from "../src/file/migrations.ts";
import { ByteSearch } from "./byte-search.ts";
import { temporaryFile } from "./temporary-file.ts";
import { runScript } from "./writer-process.ts";

const SECRET = "the-secret-of-ada";

describe("what an erasure leaves while another process reads", () => {
  it("is named in the receipt, and ended by the next call once the reader has gone", async () => {
    const path = await temporaryFile();
    const search = new ByteSearch();
    const storage = await storageWithSecret(path);
    const endReader = await readElsewhere(path);
    const { residue } = await storage.deleteUser("ada");
    expect(residue).toMatchObject([{ store: "sqlite", place: "log", reason: "reader" }]);
    expect(await storage.residue()).toEqual(residue);
    expect(await search.find(path, [SECRET])).toEqual([SECRET]);
    await endReader();
    expect(await storage.residue()).toEqual([]);
    expect(await search.find(path, [SECRET])).toEqual([]);
  });

  it.each(["close", "open", "compact"] as const)("is ended by %s() once the reader has gone", async (ending) => {
    const path = await temporaryFile();
    const search = new ByteSearch();
    const storage = await storageWithSecret(path);
    const endReader = await readElsewhere(path);
    expect((await storage.deleteUser("ada")).residue).toHaveLength(1);
    if (ending === "open") await storage.close();
    await endReader();
    if (ending === "close") await storage.close();
    else if (ending === "open") await openAt(path);
    else expect(await storage.compact()).toEqual([]);
    expect(await search.find(path, [SECRET])).toEqual([]);
  });
});

describe("a file that is larger than a call may rewrite", () => {
  const MEBIBYTES = 1024 * 1024;

  it.runIf(atLength({ usually: false, long: true }))("is one of more than 256 MiB by default", async () => {
    const path = await temporaryFile();
    const storage = await storageWithSecret(path);
    const large = { sessionId: "large", userId: "bob", memoryType: "log" };
    // 16 of them are a little less than a call may rewrite.
    const saveLarge = () => storage.saveMemoryAtom({ ...large, content: "x".repeat(15.5 * MEBIBYTES) });
    for (let atoms = 0; atoms < 16; atoms++) await saveLarge();
    expect((await stat(path)).size).toBeGreaterThan(240 * MEBIBYTES);
    expect((await storage.deleteUser("ada")).residue).toEqual([]);
    await saveLarge();
    await storage.saveMemoryAtom({ sessionId: "again", userId: "ada", memoryType: "log", content: SECRET });
    expect((await storage.deleteUser("ada")).residue).toMatchObject([{ place: "file", reason: "size" }]);
    expect(await storage.compact()).toEqual([]);
    expect(await new ByteSearch().find(path, [SECRET])).toEqual([]);
  });

  it("keeps bytes of what was erased until it is closed, and the receipt says so", async () => {
    const path = await temporaryFile();
    const search = new ByteSearch();
    const storage = await storageWithSecret(path, { maxCompactionBytes: 4_096 });
    const { residue } = await storage.prune({ userId: "ada", keepLast: 0 });
    expect(residue).toMatchObject([{ store: "sqlite", place: "file", reason: "size" }]);
    expect(residue[0]?.until).toMatch(/maxCompactionBytes.*rivet-memory compact/);
    const before = schemaCookie(path);
    await storage.close();
    expect(schemaCookie(path)).toBe(before + 1);
    expect(await search.find(path, [SECRET])).toEqual([]);
  });
});

describe("erasures that a process did not end before it was killed", () => {
  it("are ended by the next process that opens the file", async () => {
    const path = await temporaryFile();
    await (await storageWithSecret(path)).close();
    expect(await runScript("dying-eraser.ts", [path, "ada"]).ended).toMatchObject({ exit: "SIGKILL" });
    const before = schemaCookie(path);
    const storage = await openAt(path);
    expect(schemaCookie(path)).toBe(before + 1);
    expect(await storage.residue()).toEqual([]);
  });
});

describe("a file of an earlier version", () => {
  it("loses the bytes of what was deleted from it when it is first opened", async () => {
    const path = await temporaryFile();
    const search = new ByteSearch();
    const old = new Database(path);
    old.pragma("journal_mode = WAL");
    old.exec(MIGRATIONS.slice(0, 4).join("\n"));
    old.pragma(`application_id = ${APPLICATION_ID}`);
    old.pragma("user_version = 4");
    old.exec("INSERT INTO rivet_store VALUES ('00000000-0000-4000-8000-000000000000', 4, 0)");
    old
      .prepare("INSERT INTO session_memories VALUES ('s', ?, 'ada', 'log', ?, '{}', 0, NULL)")
      .run(new AtomClock().next(), JSON.stringify(SECRET));
    old.exec("DELETE FROM session_memories");
    old.close();
    expect(await search.find(path, [SECRET])).toEqual([SECRET]);
    await openAt(path);
    expect(await search.find(path, [SECRET])).toEqual([]);
  });
});

describe("erasures that arrive together", () => {
  it("share one compaction, and those that come one after the other have one each", async () => {
    const path = await temporaryFile();
    const storage = await openAt(path);
    const sessionIds = Array.from({ length: 22 }, (_, index) => `s${index}`);
    await storage.saveMemoryAtoms(
      sessionIds.map((sessionId) => ({ sessionId, userId: "ada", memoryType: "log", content: SECRET })),
    );
    const before = schemaCookie(path);
    const isDeleted = await Promise.all(sessionIds.slice(2).map((sessionId) => storage.deleteSession(sessionId)));
    expect(isDeleted).not.toContain(false);
    expect(schemaCookie(path)).toBe(before + 1);
    for (const sessionId of sessionIds.slice(0, 2)) await storage.deleteSession(sessionId);
    expect(schemaCookie(path)).toBe(before + 3);
  });

  it("rewrite nothing when they find nothing to erase", async () => {
    const path = await temporaryFile();
    const storage = await storageWithSecret(path);
    const before = schemaCookie(path);
    expect(await storage.deleteSession("never there")).toBe(false);
    expect(await storage.prune({ olderThanMs: 1e9 })).toMatchObject({ atoms: 0, residue: [] });
    expect(schemaCookie(path)).toBe(before);
  });
});

describe("the local journal", () => {
  it("holds no byte of the atoms that all stores have got", async () => {
    const path = await temporaryFile();
    const search = new ByteSearch();
    const { journal } = await openAt(path);
    const clock = new AtomClock();
    const rows = Array.from({ length: 200 }, (_, index): AtomRow => ({
      sessionId: `s${index % 7}`,
      id: clock.next(),
      userId: "ada",
      memoryType: "log",
      content: JSON.stringify(`${SECRET}-${index}-`.repeat(1 + (index % 90))),
      metadata: "{}",
      createdAtMs: 0,
      expiresAtMs: null,
    }));
    for (const row of rows) await journal.append([row]);
    await journal.settle("neon", ["railway"], rows);
    expect(await search.find(path, [SECRET])).toEqual([SECRET]);
    await journal.settle("railway", ["neon"], rows);
    expect(await journal.finishErasure?.()).toEqual([]);
    expect(await search.find(path, [SECRET])).toEqual([]);
  });
});

async function openAt(path: string, options?: ConstructorParameters<typeof SQLiteStorage>[1]): Promise<SQLiteStorage> {
  const storage = await new SQLiteStorage(path, options).open();
  onTestFinished(() => storage.close());
  return storage;
}

async function storageWithSecret(
  path: string,
  options?: ConstructorParameters<typeof SQLiteStorage>[1],
): Promise<SQLiteStorage> {
  const storage = await openAt(path, options);
  await saveSecret(storage);
  return storage;
}

async function saveSecret(storage: MemoryStorage): Promise<void> {
  await storage.saveMemoryAtom({ sessionId: "s", userId: "ada", memoryType: "log", content: SECRET });
}

/** Holds a read transaction in another process. @returns how to end it. */
async function readElsewhere(path: string): Promise<() => Promise<void>> {
  const { child, lines, ended } = runScript("open-reader.ts", [path], { hasInput: true });
  const end = async (): Promise<void> => {
    child.stdin.end();
    await ended;
  };
  onTestFinished(end);
  for await (const _ of lines) break;
  return end;
}

/** SQLite changes it with the schema, and each time that it rewrites the whole file. */
function schemaCookie(path: string): number {
  const database = new Database(path, { readonly: true });
  try {
    return Number(database.pragma("schema_version", { simple: true }));
  } finally {
    database.close();
  }
}
