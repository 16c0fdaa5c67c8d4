import { DatabaseManager } from "@rivet/db-manager";
import { sharedServer, startProxy, until, type TcpProxy } from "@rivet/local-servers";
import { AtomClock, atomIdTimeMs, MemoryError, replicate, Session } from "@rivet/memory-core";
import { InMemoryStorage } from "@rivet/memory-inmemory";
import { PostgresMemoryStorage, type PostgresMemoryStorageOptions } from "@rivet/memory-postgres";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { journalPath } from "./three-providers.ts";

const server = sharedServer({ beforeAll, afterAll });
const TWO_YEARS_MS = 2 * 365 * 24 * 60 * 60 * 1_000;

/** A storage of one provider, which holds the session `s` with a key that was set under an id two years ahead. */
async function storageWithKeyAhead(
  options: PostgresMemoryStorageOptions = {},
): Promise<{ storage: PostgresMemoryStorage; db: DatabaseManager; proxy: TcpProxy }> {
  const ahead = new InMemoryStorage({ clock: new AtomClock({ now: () => Date.now() + TWO_YEARS_MS }) });
  const session = new Session({ sessionId: "s", userId: "ada", storage: ahead, metadata: { plant: "north" } });
  await session.save();
  const url = await server().createDatabase();
  const proxy = await startProxy(server());
  const db = new DatabaseManager({
    providers: [{ name: "neon", connectionString: proxy.url(url) }],
    longestProbeDelayMs: 100,
  });
  const storage = new PostgresMemoryStorage({ db, local: journalPath(), ...options });
  onTestFinished(async () => {
    await storage.close();
    await db.close();
    await proxy[Symbol.asyncDispose]();
  });
  await replicate(ahead, storage);
  return { storage, db, proxy };
}

async function load(storage: PostgresMemoryStorage): Promise<Session> {
  const session = await storage.loadSession("s");
  if (session === null) throw new Error("the session is not there");
  return session;
}

describe("a change of metadata that an id ahead of the clock overrules", () => {
  it("is refused by the journal with conflict, as by a provider, and a change of another key is taken", async () => {
    const { storage, proxy } = await storageWithKeyAhead();
    const [session, other] = [await load(storage), await load(storage)];
    proxy.setMode("refuse");
    session.setMetadata("plant", "south");
    const error = await session.save().catch((thrown: unknown) => thrown);
    if (!MemoryError.isInstance(error)) throw new Error("the save did not end with a MemoryError", { cause: error });
    expect(error).toMatchObject({ code: "conflict", sessionId: "s", outcome: "not_applied" });
    expect(error.message).toContain(new Date(atomIdTimeMs(error.atomId ?? "")).toISOString());
    expect(session.unsavedCount).toBe(1);
    other.setMetadata("line", 7);
    expect(await other.save()).toMatchObject({ acceptedBy: ["local"], degraded: true });
  });

  it("is refused by the journal when only the local replica has the id", async () => {
    await using local = new SQLiteStorage(journalPath());
    const { storage, proxy } = await storageWithKeyAhead({ local, localReplica: true });
    await until(async () => expect(await local.listSessions()).toHaveLength(1));
    const restored = Session.fromJSON((await load(storage)).toJSON(), storage);
    proxy.setMode("refuse");
    restored.deleteMetadata("plant");
    await expect(restored.save()).rejects.toMatchObject({ code: "conflict" });
    const content = { set: { plant: "south" }, removed: [] };
    const blind = storage.saveMemoryAtom({ sessionId: "s", userId: "ada", memoryType: "session_metadata", content });
    await expect(blind).rejects.toMatchObject({ code: "conflict" });
  });

  it("is reported when the journal delivers it, where nobody could know of the id before", async () => {
    const { storage, db, proxy } = await storageWithKeyAhead();
    const restored = Session.fromJSON((await load(storage)).toJSON(), storage);
    const reported: unknown[] = [];
    db.on("error", ({ cause }) => reported.push(cause instanceof Error ? cause.cause : cause));
    proxy.setMode("refuse");
    restored.setMetadata("plant", "south");
    expect(await restored.save()).toMatchObject({ acceptedBy: ["local"] });
    proxy.setMode("pass");
    const conflict = expect.objectContaining({
      code: "conflict",
      sessionId: "s",
      message: expect.stringContaining("plant"),
    });
    await until(() => expect(reported).toContainEqual(conflict));
    expect((await load(storage)).metadata).toEqual({ plant: "north" });
  });
});
