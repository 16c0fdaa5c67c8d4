import { sharedServer, until } from "@rivet/local-servers";
import { MemoryError, Session, verify } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { journalPath, NAMES, ThreeProviders } from "./three-providers.ts";

const server = sharedServer({ beforeAll, afterAll });

async function saved(storage: PostgresMemoryStorage, ...texts: readonly string[]): Promise<Session> {
  const session = new Session({ userId: "ada", storage, metadata: { plant: "north" } });
  for (const text of texts) session.addUserMessage(text);
  await session.save();
  return session;
}

function textsOf(session: Session | null): unknown[] | undefined {
  return session?.getRecentMessages(100).map(({ content }) => content);
}

/** Until the file holds what a provider holds. */
async function untilEqual(path: string, providers: ThreeProviders): Promise<void> {
  const file = new SQLiteStorage(path);
  try {
    await until(async () => {
      for await (const difference of verify(providers.at("neon"), file)) throw new Error(JSON.stringify(difference));
    });
  } finally {
    await file.close();
  }
}

describe("a local replica", () => {
  it("serves every read while no provider answers, also of what others wrote and deleted", async () => {
    const providers = await ThreeProviders.start(server());
    const path = journalPath();
    const others = providers.at("neon");
    const before = await saved(others, "before");
    const forgotten = await saved(others, "forget me");
    const storage = await providers.storage({ local: path, localReplica: true, localReplicaIntervalMs: 200 });
    const own = await saved(storage, "one", "two");
    const decision = { sessionId: own.sessionId, userId: "ada", memoryType: "decision" };
    const kept = await storage.saveMemoryAtom({ ...decision, content: "kept" });
    const { id } = await storage.saveMemoryAtom({ ...decision, content: "gone" });
    await storage.deleteMemoryAtoms(own.sessionId, [id]);
    await others.deleteSession(forgotten.sessionId);
    const after = await saved(others, "after");
    await untilEqual(path, providers);
    expect((await storage.getReplicationStatus()).localReplica?.caughtUpAt).toBeInstanceOf(Date);

    providers.cut("refuse", ...NAMES);
    const loaded = await storage.loadSession(own.sessionId);
    expect(textsOf(loaded)).toEqual(["one", "two"]);
    expect(loaded?.metadata).toEqual({ plant: "north" });
    expect(loaded?.completeness).toEqual({ isComplete: false, unreachable: [...NAMES] });
    expect(textsOf(await storage.loadSession(own.sessionId, { lastMessages: 1 }))).toEqual(["two"]);
    expect(textsOf(await storage.loadSession(before.sessionId))).toEqual(["before"]);
    expect(textsOf(await storage.loadSession(after.sessionId))).toEqual(["after"]);
    expect(await storage.loadSession(forgotten.sessionId)).toBeNull();
    expect(await storage.loadSession(own.sessionId, { userId: "bob" })).toBeNull();
    const decisions = await storage.queryMemoryAtoms({ sessionId: own.sessionId, memoryType: "decision" });
    expect(decisions.map((atom) => atom.id)).toEqual([kept.id]);
    const listed = await storage.listSessions({ userId: "ada" });
    expect(listed.map(({ sessionId }) => sessionId)).toEqual([after, own, before].map(({ sessionId }) => sessionId));
  });

  it("shows what was saved meanwhile, and is equal to the providers when they are back", async () => {
    const providers = await ThreeProviders.start(server());
    const path = journalPath();
    const storage = await providers.storage({ local: path, localReplica: true });
    const session = await saved(storage, "one");
    providers.cut("refuse", ...NAMES);
    session.addUserMessage("two");
    expect(await session.save()).toMatchObject({ acceptedBy: ["local"], degraded: true });
    const loaded = await storage.loadSession(session.sessionId);
    expect(textsOf(loaded)).toEqual(["one", "two"]);
    loaded?.addUserMessage("three");
    await loaded?.save();
    expect(textsOf(await storage.loadSession(session.sessionId))).toEqual(["one", "two", "three"]);
    const deletion = storage.deleteSession(session.sessionId);
    await expect(deletion).rejects.toSatisfy((error) => MemoryError.isInstance(error) && error.code === "unavailable");

    providers.cut("pass", ...NAMES);
    const all = ["one", "two", "three"];
    await until(async () =>
      expect(await providers.texts(session.sessionId)).toEqual({ neon: all, supabase: all, railway: all }),
    );
    await untilEqual(path, providers);
  });

  it("serves a process that starts while no provider is there", async () => {
    const providers = await ThreeProviders.start(server());
    const path = journalPath();
    const first = await providers.storage({ local: path, localReplica: true });
    const session = await saved(first, "one");
    await untilEqual(path, providers);
    await first.close();
    providers.cut("refuse", ...NAMES);
    const second = await providers.storage({ local: path, localReplica: true });
    expect(textsOf(await second.loadSession(session.sessionId))).toEqual(["one"]);
  });

  it("stays with a provider that refuses what it is asked, and needs a file", async () => {
    const connectionString = await server().createDatabase();
    const options = { connectionString, localReplica: true };
    expect(() => new PostgresMemoryStorage({ ...options, local: false })).toThrow("options.local");
    expect(() => new PostgresMemoryStorage(options)).toThrow("options.local");
    expect(() => new PostgresMemoryStorage({ ...options, local: "x.db", localReplicaIntervalMs: 0 })).toThrow(
      "localReplicaIntervalMs",
    );
    const storage = new PostgresMemoryStorage({ ...options, local: journalPath() });
    onTestFinished(() => storage.close());
    await storage.open();
    await server().query("DROP TABLE session_heads", [], new URL(connectionString).pathname.slice(1));
    await expect(storage.loadSession("s")).rejects.toMatchObject({ code: "schema" });
  });
});
