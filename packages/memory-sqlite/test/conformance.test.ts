import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { testMemoryStorage, type AnyStorage } from "@rivet/memory-conformance";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import Database from "better-sqlite3";
import { describe, it } from "vitest";

const paths = new WeakMap<AnyStorage, string>();

function storageAt(path: string, options?: ConstructorParameters<typeof SQLiteStorage>[1]): AnyStorage {
  const storage = new SQLiteStorage(path, options);
  paths.set(storage, path);
  return storage;
}

function pathOf(storage: AnyStorage): string {
  const path = paths.get(storage);
  if (path === undefined) throw new Error("not a storage of this test");
  return path;
}

testMemoryStorage({
  describe,
  it,
  name: "SQLiteStorage",
  create: (options) => storageAt(join(mkdtempSync(join(tmpdir(), "rivet-sqlite-")), "memory.db"), options),
  connect: (storage) => storageAt(pathOf(storage)),
  reopen: async (storage) => {
    await storage.close();
    return storageAt(pathOf(storage));
  },
  damage: (storage, sessionId, atomId) => {
    const text = "{half";
    const vandal = new Database(pathOf(storage));
    const statement = vandal.prepare("UPDATE session_memories SET content = ? WHERE session_id = ? AND id = ?");
    statement.run(text, sessionId, atomId);
    vandal.close();
    return text;
  },
  destroy: (storage) => rmSync(dirname(pathOf(storage)), { recursive: true, force: true }),
});
