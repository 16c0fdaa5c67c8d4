import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { chmod, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AtomClock, Session, type MemoryStorage } from "@rivet/memory-core";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { APPLICATION_ID, MIGRATIONS } from "../src/file/migrations.ts";
import { readHeads } from "./stored-heads.ts";
import { temporaryFile } from "./temporary-file.ts";
import { scriptLines } from "./writer-process.ts";

const NOBODY = 65_534;

describe("SQLiteStorage", () => {
  it("does no I/O before it is opened", async () => {
    const path = await temporaryFile();
    new SQLiteStorage(path);
    expect(existsSync(path)).toBe(false);
  });

  it("creates missing parent folders", async () => {
    const path = await temporaryFile("a/b/c/memory.db");
    await using storage = new SQLiteStorage(path);
    await saveTurn(storage);
    expect(existsSync(path)).toBe(true);
  });

  it("leaves one file, with everything in it, when it is closed", async () => {
    const path = await temporaryFile();
    const storage = new SQLiteStorage(path);
    const session = await saveTurn(storage);
    await storage.close();
    expect(existsSync(`${path}-wal`)).toBe(false);
    await using reopened = new SQLiteStorage(path);
    expect((await reopened.loadSession(session.sessionId))?.history.length).toBe(2);
  });

  it("uses write-ahead logging and waits for the disk, unless told otherwise", async () => {
    const path = await temporaryFile();
    await using storage = await new SQLiteStorage(path).open();
    await saveTurn(storage);
    const observer = new Database(path);
    expect(observer.pragma("journal_mode", { simple: true })).toBe("wal");
    observer.close();
  });

  it("brings a file of an earlier version up to date, and keeps what it holds", async () => {
    const path = await temporaryFile();
    const earlier = new Database(path);
    for (const sql of MIGRATIONS.slice(0, 2)) earlier.exec(sql);
    const id = new AtomClock().next();
    earlier.exec(`
      INSERT INTO session_memories VALUES ('s', '${id}', 'ada', 'log', '1', '{}', 0);
      INSERT INTO session_heads VALUES ('s', 'ada', 0, '${id}', 0, 1, '${id}', '${id}', '{}', '{}');
      INSERT INTO rivet_store VALUES ('store', 2, 0)`);
    earlier.pragma(`application_id = ${APPLICATION_ID}`);
    earlier.pragma("user_version = 2");
    earlier.close();
    await using storage = new SQLiteStorage(path);
    const log = { sessionId: "s", userId: "ada", memoryType: "log" };
    await storage.saveMemoryAtom({ ...log, content: 2, expiresAt: new Date(0) });
    expect((await storage.queryMemoryAtoms()).map(({ content }) => content)).toEqual([1]);
    expect((await storage.prune()).expired).toBe(1);
  });

  it("lives in one object alone at :memory:", async () => {
    await using storage = new SQLiteStorage(":memory:");
    await using other = new SQLiteStorage(":memory:");
    await saveTurn(storage);
    expect(await storage.listSessions()).toHaveLength(1);
    expect(await other.listSessions()).toHaveLength(0);
  });

  it("keeps the heads exact through appends, clears and deletions", async () => {
    const path = await temporaryFile();
    await using storage = new SQLiteStorage(path);
    const session = await saveTurn(storage);
    session.setMetadata("plant", "north");
    await session.save();
    session.clearHistory();
    session.addUserMessage("again");
    await session.save();
    const atoms = await storage.queryMemoryAtoms({ sessionId: session.sessionId });
    await storage.deleteMemoryAtoms(session.sessionId, [atoms[0]?.id ?? "", atoms[1]?.id ?? ""]);
    await storage.saveMemoryAtom({ sessionId: "late", userId: "u", memoryType: "log", content: 1 });
    const { stored, expected } = readHeads(path);
    // Deletions leave the time of creation, which atoms that are gone decided.
    expect(stored.map(withoutTime)).toEqual(expected.map(withoutTime));
    expect(stored).toHaveLength(2);
  });

  it("refuses one bad save of a group and commits the others", async () => {
    const path = await temporaryFile();
    await using storage = await new SQLiteStorage(path).open();
    const clock = new AtomClock();
    const id = clock.next();
    await storage.saveMemoryAtom({ id, sessionId: "s", userId: "u", memoryType: "log", content: "first" });
    const results = await Promise.allSettled([
      storage.saveMemoryAtom({ sessionId: "a", userId: "u", memoryType: "log", content: 1 }),
      storage.saveMemoryAtoms([
        { sessionId: "r", userId: "u", memoryType: "log", content: "undone with the rest of its call" },
        { id, sessionId: "s", userId: "u", memoryType: "log", content: "other" },
      ]),
      storage.saveMemoryAtom({ sessionId: "b", userId: "u", memoryType: "log", content: 2 }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect((await storage.listSessions()).map(({ sessionId }) => sessionId).toSorted()).toEqual(["a", "b", "s"]);
  });
});

describe("a file that SQLiteStorage cannot use", () => {
  it("is corrupt when it is no database, and stays as it was", async () => {
    const path = await temporaryFile();
    const text = "These are the minutes of a meeting, and certainly no database.\n".repeat(100);
    writeFileSync(path, text);
    await expect(new SQLiteStorage(path).open()).rejects.toMatchObject({ code: "corrupt", operation: "open" });
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  it("is refused with schema when another application made it, and stays as it was", async () => {
    const path = await temporaryFile();
    const other = new Database(path);
    other.exec("CREATE TABLE invoices (number INTEGER); INSERT INTO invoices VALUES (1)");
    other.close();
    const before = readFileSync(path);
    await expect(new SQLiteStorage(path).open()).rejects.toMatchObject({ code: "schema" });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it("is refused with schema when a later version made it", async () => {
    const path = await temporaryFile();
    const storage = new SQLiteStorage(path);
    await saveTurn(storage);
    await storage.close();
    const later = new Database(path);
    later.pragma("user_version = 99");
    later.close();
    await expect(new SQLiteStorage(path).open()).rejects.toMatchObject({
      code: "schema",
      message: expect.stringMatching(/version 99.*upgrade @rivet\/memory-sqlite/),
    });
  });

  it("may be tried again once it is gone", async () => {
    const path = await temporaryFile();
    await mkdir(path);
    const storage = new SQLiteStorage(path);
    await expect(storage.open()).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("folder"),
    });
    await expect(new SQLiteStorage(join(import.meta.filename, "memory.db")).open()).rejects.toMatchObject({
      code: "invalid_input",
    });
    await (await import("node:fs/promises")).rmdir(path);
    await saveTurn(storage);
    await storage.close();
  });

  it("is permission when the process may only read it", { timeout: 120_000 }, async () => {
    const path = await temporaryFile();
    const storage = new SQLiteStorage(path);
    await saveTurn(storage);
    await storage.close();
    await chmod(path, 0o444);
    await chmod(dirname(path), 0o555);
    // Root may write everything: then somebody else has to try.
    const uid = process.getuid?.() === 0 ? NOBODY : undefined;
    const [answer] = await scriptLines("opener.ts", [path], { uid });
    await chmod(dirname(path), 0o755);
    expect(answer).toMatch(/^permission .* is read-only for this process/);
  });

  it("is unavailable when it is full, loses nothing, and goes on when there is room", async () => {
    const path = await temporaryFile();
    const maxFileBytes = 200_000;
    const storage = new SQLiteStorage(path, { maxFileBytes });
    const saved: string[] = [];
    const content = "x".repeat(5_000);
    const save = (target: MemoryStorage): Promise<{ id: string }> =>
      target.saveMemoryAtom({ sessionId: "s", userId: "u", memoryType: "log", content });
    let failure: unknown;
    while (failure === undefined) {
      await save(storage).then(
        ({ id }) => saved.push(id),
        (error: unknown) => (failure = error),
      );
    }
    expect(failure).toMatchObject({ code: "unavailable", retryable: true, outcome: "not_applied" });
    const together = await Promise.allSettled([save(storage), save(storage), save(storage)]);
    expect(together.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    await storage.close();
    expect(statSync(path).size).toBeLessThanOrEqual(maxFileBytes);

    await using roomier = new SQLiteStorage(path);
    await save(roomier).then(({ id }) => saved.push(id));
    const stored = await roomier.queryMemoryAtoms({ sessionId: "s", limit: 1_000 });
    expect(stored.map(({ id }) => id).toReversed()).toEqual(saved);
    const { stored: heads, expected } = readHeads(path);
    expect(heads).toEqual(expected);
  });

  it("takes what fits when one of several saves does not, and the disk says so only when they are committed", async () => {
    const lines = await scriptLines("group-writer.ts", [await temporaryFile(), "1", "400000", "2"], {
      maxFileBytes: 300_000,
    });
    expect(lines).toEqual(["fulfilled", "unavailable", "fulfilled", "1", "2"]);
  });
});

describe("options", () => {
  it.each([
    ["", {}],
    ["a\0b", {}],
    ["x.db", { busyTimeoutMs: -1 }],
    ["x.db", { busyTimeoutMs: Number.NaN }],
    ["x.db", { maxFileBytes: "big" }],
    ["x.db", { durability: "none" }],
    ["x.db", { maxAtomBytes: -1 }],
  ])("are refused when they are none: %j %j", (path, options) => {
    expect(() => Reflect.construct(SQLiteStorage, [path, options])).toThrow(
      expect.objectContaining({ code: "invalid_input" }),
    );
  });
});

async function saveTurn(storage: MemoryStorage): Promise<Session> {
  const session = new Session({ userId: "ada", storage });
  session.addUserMessage("The drive trips with F0002.");
  session.addAssistantMessage("Is the ramp-down time short?");
  await session.save();
  return session;
}

function withoutTime<Head extends { createdAtMs: number }>({
  createdAtMs: _,
  ...head
}: Head): Omit<Head, "createdAtMs"> {
  return head;
}
