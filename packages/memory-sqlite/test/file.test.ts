import { copyFile, cp, rename, rm, stat, symlink, utimes } from "node:fs/promises";
import { dirname } from "node:path";
import type { MemoryStorage } from "@rivet/memory-core";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { isSettled, OpenedFile } from "../src/file/opened-file.ts";
import { temporaryFile } from "./temporary-file.ts";
import { runScript, scriptLines } from "./writer-process.ts";

describe("a new file", () => {
  it.each(["000", "022", "027", "077"])(
    "and its log, its index and its folders are for its user alone under the umask %s",
    async (umask) => {
      const path = await temporaryFile("new/folder/memory.db");
      expect(await scriptLines("umask-opener.ts", [path, umask])).toEqual(["700", "700", "600", "600", "600"]);
    },
  );
});

describe("a save into a file that is no longer at its path", () => {
  const gone = { code: "unavailable", retryable: false, outcome: "not_applied" };

  describe.each([
    ["in a folder that has just changed", openAt],
    ["in a folder that has been at rest", openAtRest],
  ])("%s", (_, open) => {
    it("is refused when the file was removed with its log", async () => {
      const path = await temporaryFile();
      const storage = await open(path);
      await save(storage);
      for (const suffix of ["", "-wal", "-shm"]) await rm(`${path}${suffix}`);
      await expect(save(storage)).rejects.toMatchObject(gone);
      await expect(save(storage)).rejects.toThrow(`${path} is no longer the file that this storage opened`);
    });

    it("is refused when a backup was put in its place, and all that arrive together are", async () => {
      const path = await temporaryFile();
      const storage = await open(path);
      await save(storage);
      await copyFile(path, `${path}.backup`);
      await rename(`${path}.backup`, path);
      const outcomes = await Promise.allSettled([save(storage), save(storage), save(storage)]);
      for (const outcome of outcomes) expect(outcome).toMatchObject({ status: "rejected", reason: gone });
    });

    it("is refused when a backup was put in its place by a program that sets back the times", async () => {
      const path = await temporaryFile();
      const storage = await open(path);
      await save(storage);
      const { atime, mtime } = await stat(dirname(path));
      await copyFile(path, `${path}.backup`);
      await rename(`${path}.backup`, path);
      await utimes(dirname(path), atime, mtime);
      await expect(save(storage)).rejects.toMatchObject(gone);
    });

    it("is refused when only the log was removed, as another SQLite library in this process may bring about", async () => {
      const path = await temporaryFile();
      const storage = await open(path);
      await save(storage);
      await rm(`${path}-wal`);
      await expect(save(storage)).rejects.toMatchObject(gone);
      await expect(storage.deleteUser("ada")).rejects.toMatchObject(gone);
    });

    it("is refused when its folder was moved, with or without another one in its place", async () => {
      const path = await temporaryFile("folder/memory.db");
      const storage = await open(path);
      await save(storage);
      await rename(dirname(path), `${dirname(path)}.away`);
      await expect(save(storage)).rejects.toMatchObject(gone);
      await cp(`${dirname(path)}.away`, dirname(path), { recursive: true });
      await expect(save(storage)).rejects.toMatchObject(gone);
    });

    it("is refused when the link to it leads to another file", async () => {
      const [path, other] = [await temporaryFile("link.db"), await temporaryFile()];
      await (await new SQLiteStorage(other).open()).close();
      await symlink(await temporaryFile(), path);
      const storage = await open(path);
      await save(storage);
      await rm(path);
      await symlink(other, path);
      await expect(save(storage)).rejects.toMatchObject(gone);
    });

    it("is refused when the file that a link in another folder leads to was removed", async () => {
      const [path, target] = [await temporaryFile("link.db"), await temporaryFile()];
      await symlink(target, path);
      const storage = await open(path);
      await save(storage);
      await rm(target);
      await expect(save(storage)).rejects.toMatchObject(gone);
    });

    it("goes through once the file is back, with nothing of what was refused", async () => {
      const path = await temporaryFile();
      const storage = await open(path);
      const before = await storage.queryMemoryAtoms();
      await save(storage);
      await rename(path, `${path}.away`);
      await expect(save(storage)).rejects.toMatchObject(gone);
      await rename(`${path}.away`, path);
      await save(storage);
      expect(await storage.queryMemoryAtoms()).toHaveLength(before.length + 2);
    });
  });
});

describe("a folder above that of an open file", () => {
  it("is noticed to have moved within 50 ms", async () => {
    const path = await temporaryFile("above/folder/memory.db");
    const storage = await openAtRest(path);
    let nowMs = Date.now();
    const file = new OpenedFile(path, () => nowMs);
    onTestFinished(() => file.close());
    file.assertInPlace();
    const above = dirname(dirname(path));
    await rename(above, `${above}.away`);
    nowMs += 50;
    expect(() => file.assertInPlace()).toThrow(`${path} is no longer the file that this storage opened`);
    await rename(`${above}.away`, above);
    file.assertInPlace();
    await save(storage);
  });
});

describe("the log", () => {
  const MEGABYTE = 1024 * 1024;

  it("that grew beside a reader is emptied once the reader has gone, though nobody writes any more", async () => {
    const path = await temporaryFile();
    const storage = await openAt(path, { durability: "normal" });
    const { child, lines, ended } = runScript("open-reader.ts", [path], { hasInput: true });
    for await (const _ of lines) break;
    while ((await stat(`${path}-wal`)).size < 48 * MEGABYTE) await save(storage, "x".repeat(4 * MEGABYTE));
    await save(storage);
    child.stdin.end();
    await ended;
    await expect.poll(async () => (await stat(`${path}-wal`)).size, { timeout: 30_000 }).toBe(0);
  });

  it("that grew beside a reader is bounded again by the saves after it has gone", async () => {
    const path = await temporaryFile();
    const storage = await openAt(path, { durability: "normal" });
    const { child, lines, ended } = runScript("open-reader.ts", [path], { hasInput: true });
    for await (const _ of lines) break;
    while ((await stat(`${path}-wal`)).size < 48 * MEGABYTE) await save(storage, "x".repeat(4 * MEGABYTE));
    child.stdin.end();
    await ended;
    for (let count = 0; count < 3; count++) await save(storage);
    expect((await stat(`${path}-wal`)).size).toBeLessThanOrEqual(32 * MEGABYTE);
  });
});

async function openAt(path: string, options?: ConstructorParameters<typeof SQLiteStorage>[1]): Promise<SQLiteStorage> {
  const storage = await new SQLiteStorage(path, options).open();
  onTestFinished(() => storage.close());
  return storage;
}

/** Opens a file in a folder whose last change is so long ago that the next one has another time, and saves to it. */
async function openAtRest(path: string): Promise<SQLiteStorage> {
  const storage = await openAt(path);
  await save(storage);
  await expect.poll(async () => isSettled(await stat(dirname(path)), Date.now()), { timeout: 10_000 }).toBe(true);
  await save(storage);
  return storage;
}

async function save(storage: MemoryStorage, content = "text"): Promise<void> {
  await storage.saveMemoryAtom({ sessionId: "s", userId: "ada", memoryType: "log", content });
}
