import { MemoryError, ownerOf } from "@rivet/memory-core";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import Database from "better-sqlite3";
import { describe, expect, it, onTestFinished } from "vitest";
import { APPLICATION_ID, MIGRATIONS } from "../src/file/migrations.ts";
import { temporaryFile } from "./temporary-file.ts";

const NIL = "00000000-0000-0000-0000-000000000000";
const VERSION = 4;

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "done",
    (error: unknown) => (MemoryError.isInstance(error) ? error.code : String(error)),
  );
}

function everythingIn(path: string): string {
  const database = new Database(path, { readonly: true });
  try {
    const tables = database.prepare<[], { name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    return JSON.stringify(tables.map(({ name }) => database.prepare(`SELECT * FROM "${name}"`).all()));
  } finally {
    database.close();
  }
}

describe("a file from before tombstones had owners", () => {
  it("gives them the owner of their session where its head is there; others concern everybody", async () => {
    const path = await temporaryFile("old.db");
    const [kept, gone] = ["01990000-0000-7000-8000-000000000001", "01990000-0000-7000-8000-000000000002"];
    const old = new Database(path);
    old.exec(MIGRATIONS.slice(0, VERSION).join("\n"));
    old.pragma(`application_id = ${APPLICATION_ID}`);
    old.pragma(`user_version = ${VERSION}`);
    old.exec(`
      INSERT INTO rivet_store VALUES ('s', ${VERSION}, 0);
      INSERT INTO session_memories VALUES ('there', '${kept}', 'ada', 'log', '1', '{}', 0, NULL);
      INSERT INTO session_heads VALUES ('there', 'ada', 0, '${kept}', 0, 1, '${kept}', '${NIL}', '{}', '{}');
      INSERT INTO session_tombstones VALUES ('there', '${gone}', 1), ('deleted', '${NIL}', 2), ('emptied', '${gone}', 3)`);
    old.close();

    await using storage = new SQLiteStorage(path);
    const owners = async (sessionId: string): Promise<string[]> =>
      (await storage.replica.tombstonesAfter(sessionId, undefined, 10)).map(({ owner }) => owner);
    expect(await owners("there")).toEqual([ownerOf("ada")]);
    expect(await owners("deleted")).toEqual([""]);
    expect(await owners("emptied")).toEqual([""]);
    const log = { memoryType: "log", content: 1 };
    for (const userId of ["ada", "bob"]) {
      expect(await codeOf(storage.saveMemoryAtom({ ...log, userId, sessionId: "deleted" }))).toBe("not_found");
    }
    await storage.saveMemoryAtom({ ...log, userId: "bob", sessionId: "emptied", id: gone });
    expect(await storage.queryMemoryAtoms({ sessionId: "emptied" })).toEqual([]);
    expect(await storage.queryMemoryAtoms({ sessionId: "there" })).toHaveLength(1);
  });
});

describe("a user who was erased", () => {
  it("has their id in no table, only its hash", async () => {
    const path = await temporaryFile("erased.db");
    const storage = new SQLiteStorage(path);
    onTestFinished(() => storage.close());
    const userId = "a-very-rare-user-id";
    const log = { userId, memoryType: "log", content: 1 };
    const emptied = await storage.saveMemoryAtom({ ...log, sessionId: "emptied" });
    await storage.deleteMemoryAtoms("emptied", [emptied.id]);
    await storage.saveMemoryAtoms([
      { ...log, sessionId: "deleted" },
      { ...log, sessionId: "there" },
    ]);
    await storage.deleteSession("deleted");
    expect(everythingIn(path)).toContain(userId);
    await storage.deleteUser(userId);
    expect(everythingIn(path)).not.toContain(userId);
    expect(everythingIn(path)).toContain(ownerOf(userId));
  });
});
