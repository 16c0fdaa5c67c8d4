import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { readHeads } from "./stored-heads.ts";
import { temporaryFile } from "./temporary-file.ts";
import { scriptLines } from "./writer-process.ts";

describe("several processes on one file", () => {
  it("create it at once, and each finds it ready", { timeout: 120_000 }, async () => {
    const path = await temporaryFile("new/folder/memory.db");
    const answers = await Promise.all(Array.from({ length: 6 }, () => scriptLines("opener.ts", [path])));
    expect(answers.flat()).toEqual(Array.from({ length: 6 }, () => "open"));
  });

  it("append to one session and keep everything, in the order of each", { timeout: 120_000 }, async () => {
    const path = await temporaryFile();
    const names = ["ada", "bob", "cyd"];
    const turns = 40;
    await Promise.all(names.map((name) => scriptLines("finite-writer.ts", [path, "shared", name, String(turns)])));

    await using storage = new SQLiteStorage(path);
    const session = await storage.loadSession("shared");
    expect(session?.history.length).toBe(names.length * turns * 2);
    expect(session?.metadata).toEqual({ ada: "40", bob: "40", cyd: "40" });
    for (const name of names) {
      const said = session?.history.messages().filter(({ content }) => String(content).startsWith(name));
      const expected = Array.from({ length: turns }, (_, turn) => [
        `${name} asks ${turn}`,
        `${name} is answered ${turn}`,
      ]);
      expect(said?.map(({ content }) => content)).toEqual(expected.flat());
    }
    const { stored, expected } = readHeads(path);
    expect(stored).toEqual(expected);
  });
});

describe("a file that another process holds", () => {
  it("makes a save wait without blocking the event loop, and go through when it is free", async () => {
    const path = await temporaryFile();
    await using storage = await new SQLiteStorage(path).open();
    const holder = new Database(path);
    holder.exec("BEGIN IMMEDIATE");
    let isSaved = false;
    const saving = saveOne(storage).then(() => (isSaved = true));
    // Many turns of the event loop pass while the save waits.
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(isSaved).toBe(false);
    holder.exec("COMMIT");
    holder.close();
    await saving;
    expect(isSaved).toBe(true);
  });

  it("makes a save unavailable and retryable after busyTimeoutMs, with nothing applied", async () => {
    const path = await temporaryFile();
    await using storage = await new SQLiteStorage(path, { busyTimeoutMs: 20 }).open();
    const holder = new Database(path);
    holder.exec("BEGIN IMMEDIATE");
    await expect(saveOne(storage)).rejects.toMatchObject({
      name: "MemoryError",
      code: "unavailable",
      retryable: true,
      outcome: "not_applied",
      backend: "sqlite",
      operation: "saveMemoryAtom",
    });
    holder.exec("ROLLBACK");
    holder.close();
    await saveOne(storage);
    expect(await storage.queryMemoryAtoms()).toHaveLength(1);
  });

  it("does not keep anybody from reading", async () => {
    const path = await temporaryFile();
    await using storage = await new SQLiteStorage(path, { busyTimeoutMs: 0 }).open();
    await saveOne(storage);
    const holder = new Database(path);
    holder.exec("BEGIN IMMEDIATE");
    expect(await storage.queryMemoryAtoms()).toHaveLength(1);
    holder.exec("ROLLBACK");
    holder.close();
  });
});

function saveOne(storage: SQLiteStorage): Promise<unknown> {
  return storage.saveMemoryAtom({ sessionId: "s", userId: "u", memoryType: "log", content: "held up" });
}
