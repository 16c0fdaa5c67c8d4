import { sharedServer, until } from "@rivet/local-servers";
import { MemoryError, Session, verify } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { NAMES, ThreeProviders } from "./three-providers.ts";

const server = sharedServer({ beforeAll, afterAll });

/** All that differs between the providers. */
async function differences(providers: ThreeProviders): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const name of NAMES.slice(1)) {
    for await (const difference of verify(providers.at("neon"), providers.at(name)))
      found.push({ name, ...difference });
  }
  return found;
}

async function hintsLeft(storage: PostgresMemoryStorage): Promise<number> {
  const { pairs } = await storage.getReplicationStatus();
  return pairs.reduce((sum, { hints }) => sum + hints, 0);
}

/** The contents of a session's messages, as a storage loads them. */
async function textsOf(storage: PostgresMemoryStorage, sessionId: string): Promise<unknown[] | undefined> {
  return (await storage.loadSession(sessionId))?.getRecentMessages(100).map(({ content }) => content);
}

async function errorOf(work: Promise<unknown>): Promise<MemoryError> {
  const error = await work.then(() => undefined).catch((thrown: unknown) => thrown);
  if (!MemoryError.isInstance(error)) throw new Error("the work did not end with a MemoryError", { cause: error });
  return error;
}

/** Waits until nothing is on its way and all providers hold the same. */
async function equal(storage: PostgresMemoryStorage, providers: ThreeProviders): Promise<void> {
  await until(
    async () => {
      expect(await hintsLeft(storage)).toBe(0);
      expect(await differences(providers)).toEqual([]);
    },
    { intervalMs: 200 },
  );
}

/** Whether a provider knows that another one lacks what it has no hints of. */
async function needsRepair(storage: PostgresMemoryStorage, from: string, to: string): Promise<boolean | undefined> {
  const { pairs } = await storage.getReplicationStatus();
  return pairs.find((pair) => pair.from === from && pair.to === to)?.needsRepair;
}

async function settled(storage: PostgresMemoryStorage): Promise<void> {
  await until(async () => expect(await hintsLeft(storage)).toBe(0));
}

async function say(session: Session, text: string): Promise<void> {
  session.addUserMessage(text);
  await session.save();
}

describe("what one provider accepts", () => {
  it("is said to be where it is, while one is away and afterwards", async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage();
    providers.cut("refuse", "railway");
    const { sessionId, id } = await storage.saveMemoryAtom({
      sessionId: "s",
      userId: "ada",
      memoryType: "log",
      content: 1,
    });
    const elsewhere = storage.clock.next();
    const heldBy = async (): Promise<unknown> => (await storage.locateAtoms(sessionId, [id, elsewhere])).heldBy;
    await until(async () => expect(await heldBy()).toEqual({ [id]: ["neon", "supabase"], [elsewhere]: [] }));
    expect((await storage.locateAtoms(sessionId, [id])).unreachable).toEqual(["railway"]);
    providers.cut("pass", "railway");
    await until(async () => expect(await heldBy()).toEqual({ [id]: [...NAMES], [elsewhere]: [] }));
    expect((await storage.locateAtoms("another", [id])).heldBy).toEqual({ [id]: [] });
    expect(await errorOf(storage.locateAtoms(sessionId, ["x"]))).toMatchObject({ code: "invalid_input" });
  });

  it("reaches every other one: messages, atoms, metadata and deletions", async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage();
    const session = new Session({ userId: "ada", storage });
    session.setMetadata("plant", "north");
    await say(session, "one");
    await say(session, "two");
    const { sessionId } = session;
    const kept = await storage.saveMemoryAtom({ sessionId, userId: "ada", memoryType: "decision", content: { a: 1 } });
    const gone = await storage.saveMemoryAtom({ sessionId, userId: "ada", memoryType: "decision", content: { a: 2 } });
    await settled(storage);
    await storage.deleteMemoryAtoms(sessionId, [gone.id]);
    const other = new Session({ userId: "ada", storage });
    await say(other, "of no use");
    await storage.deleteSession(other.sessionId);
    await settled(storage);
    for (const name of NAMES) {
      const loaded = await providers.at(name).loadSession(sessionId);
      expect(loaded?.metadata).toEqual({ plant: "north" });
      expect(loaded?.getRecentMessages().map(({ content }) => content)).toEqual(["one", "two"]);
      const facts = await providers.at(name).queryMemoryAtoms({ sessionId, memoryType: "decision" });
      expect(facts.map(({ id }) => id)).toEqual([kept.id]);
      expect(await providers.at(name).loadSession(other.sessionId)).toBeNull();
    }
    expect(await differences(providers)).toEqual([]);
  });

  it("reaches a provider that was away before it takes work again", async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage();
    const session = new Session({ userId: "ada", storage });
    await say(session, "one");
    await settled(storage);
    providers.cut("refuse", "neon");
    await say(session, "two");
    await storage.deleteSession((await makeSession(storage)).sessionId);
    providers.cut("pass", "neon");
    await until(() => expect(storage.db.provider).toBe("neon"));
    const loaded = await storage.loadSession(session.sessionId);
    expect(loaded?.getRecentMessages().map(({ content }) => content)).toEqual(["one", "two"]);
    await settled(storage);
    expect(await differences(providers)).toEqual([]);
  });
});

async function makeSession(storage: PostgresMemoryStorage): Promise<Session> {
  const session = new Session({ userId: "ada", storage });
  await say(session, "hello");
  return session;
}

describe("a repair", () => {
  it("makes providers equal that differ in every way", async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage();
    for (const name of NAMES) {
      const alone = providers.at(name);
      for (let count = 0; count < 3; count += 1) await makeSession(alone);
      const deleted = await makeSession(alone);
      await alone.deleteSession(deleted.sessionId);
    }
    expect(await differences(providers)).not.toEqual([]);
    const { copied, providers: names, skipped } = await storage.repair();
    expect({ copied, names, skipped }).toEqual({ copied: 36, names: [...NAMES], skipped: [] });
    expect(await differences(providers)).toEqual([]);
    expect(await storage.repair()).toMatchObject({ compared: 0, copied: 0, removed: 0 });
  });
});

describe("what a provider refuses for good", () => {
  it("stays behind as a dead letter, and the rest flows on", async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage();
    const { sessionId } = await makeSession(storage);
    await settled(storage);
    const id = storage.clock.next();
    const fact = { id, sessionId, userId: "ada", memoryType: "fact" };
    await providers.at("supabase").saveMemoryAtom({ ...fact, content: "one" });
    const others = Array.from({ length: 20 }, (_, index) => ({
      sessionId,
      userId: "ada",
      memoryType: "fact",
      content: index,
    }));
    await storage.saveMemoryAtoms([...others, { ...fact, content: "another" }]);
    await settled(storage);
    const { deadLetters, pairs } = await storage.getReplicationStatus();
    expect(deadLetters).toMatchObject([{ from: "neon", to: "supabase", sessionId, id, code: "conflict" }]);
    expect(pairs.find(({ from, to }) => from === "neon" && to === "supabase")?.deadLetters).toBe(1);
    expect(await differences(providers)).toEqual([
      { name: "supabase", sessionId, id, kind: "atom", found: "different" },
    ]);
  });
});

describe("hints", () => {
  it("that a process left when it ended are brought by the next one", async () => {
    const providers = await ThreeProviders.start(server());
    const first = await providers.storage();
    const { sessionId } = await makeSession(first);
    await first.close();
    const next = await providers.storage();
    await equal(next, providers);
    expect(await textsOf(providers.at("railway"), sessionId)).toEqual(["hello"]);
  });

  it("are dropped when they become too many, and a repair makes up for them when the provider is back", async () => {
    const providers = await ThreeProviders.start(server());
    providers.cut("refuse", "railway");
    const first = await providers.storage({ maxHints: 5 });
    for (let count = 0; count < 10; count += 1) await makeSession(first);
    await first.close();
    const storage = await providers.storage({ maxHints: 5 });
    const toRailway = async (): Promise<unknown> => {
      const { pairs } = await storage.getReplicationStatus();
      const { hints = 0, needsRepair } = pairs.find(({ from, to }) => from === "neon" && to === "railway") ?? {};
      return { hasHints: hints > 0, needsRepair };
    };
    await until(async () => expect(await toRailway()).toMatchObject({ hasHints: true, needsRepair: true }));
    providers.cut("pass", "railway");
    await equal(storage, providers);
    // A repair takes the mark away last.
    await until(async () => expect(await toRailway()).toMatchObject({ hasHints: false, needsRepair: false }));
  });

  it("are made up for also when their provider was away while the one that lacks them came back", async () => {
    const providers = await ThreeProviders.start(server());
    providers.cut("refuse", "railway");
    const first = await providers.storage({ maxHints: 5 });
    for (let count = 0; count < 10; count += 1) await makeSession(first);
    await first.close();
    const storage = await providers.storage({ maxHints: 5 });
    await until(async () => expect(await needsRepair(storage, "neon", "railway")).toBe(true));
    providers.cut("refuse", "neon");
    await until(() => expect(storage.db.provider).toBe("supabase"));
    providers.cut("pass", "railway");
    await until(() => expect(storage.db.getProviderStats()["railway"]?.state).toBe("up"));
    providers.cut("pass", "neon");
    await until(() => expect(storage.db.provider).toBe("neon"));
    await equal(storage, providers);
    await until(async () => expect(await needsRepair(storage, "neon", "railway")).toBe(false));
  });

  it("that were dropped are not forgotten by a repair of other providers", async () => {
    const providers = await ThreeProviders.start(server());
    // With replication on, the storage would look for marks itself, and repair.
    const storage = await providers.storage({ replication: "off" });
    const neon = async (sql: string): Promise<unknown[]> => server().query(sql, [], providers.database("neon"));
    await neon("INSERT INTO replication_peers (name, needs_repair) VALUES ('railway', true)");
    const marked = (): Promise<unknown[]> => neon("SELECT name FROM replication_peers WHERE needs_repair");
    await storage.repair({ providers: ["supabase", "railway"] });
    expect(await marked()).toEqual([{ name: "railway" }]);
    await storage.repair();
    expect(await marked()).toEqual([]);
  });

  it("that are there before their atom do not keep it out", async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage({}, { hedgeAfterMs: 5_000 });
    const session = await makeSession(storage);
    const { id } = session.addUserMessage("foreseen");
    // Meanwhile nobody else brings hints: one that names nothing yet would be taken away.
    const hint = `
      WITH lease AS (UPDATE rivet_store SET drainer = gen_random_uuid(), drainer_until = 'infinity')
      INSERT INTO replication_hints (target, session_id, id, is_tombstone) VALUES ('*', $1, $2, false)`;
    await server().query(hint, [session.sessionId, id], providers.database("neon"));
    expect((await session.save()).written).toBe(1);
    await server().query("UPDATE rivet_store SET drainer_until = NULL", [], providers.database("neon"));
    await settled(storage);
    for (const name of NAMES)
      expect(await textsOf(providers.at(name), session.sessionId)).toEqual(["hello", "foreseen"]);
  });

  it("are not left where replication is off", async () => {
    const providers = await ThreeProviders.start(server());
    // Hedged, a save may reach two.
    const storage = await providers.storage({ replication: "off" }, { hedgeAfterMs: 5_000 });
    const { sessionId } = await makeSession(storage);
    expect(await server().query("SELECT * FROM replication_hints", [], providers.database("neon"))).toEqual([]);
    expect(await textsOf(providers.at("neon"), sessionId)).toEqual(["hello"]);
    expect(await textsOf(providers.at("supabase"), sessionId)).toBeUndefined();
  });

  it("lead only to preferred providers that missed something, in the mode failback", async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage({ replication: "failback" });
    const before = await makeSession(storage);
    providers.cut("refuse", "neon");
    const missed = await makeSession(storage);
    providers.cut("pass", "neon");
    await until(() => expect(storage.db.provider).toBe("neon"));
    await settled(storage);
    expect(await textsOf(providers.at("neon"), missed.sessionId)).toEqual(["hello"]);
    expect(await textsOf(providers.at("railway"), missed.sessionId)).toBeUndefined();
    expect(await textsOf(providers.at("supabase"), before.sessionId)).toBeUndefined();
  });
});

describe("a provider that is restored from a backup", () => {
  it("is noticed when it returns, and has everything before it takes work", async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage();
    await makeSession(storage);
    await equal(storage, providers);
    const restore = await providers.backUp("neon");
    await until(() => expect(storage.db.provider).toBe("neon"));
    const later = await providers.storage();
    const { sessionId } = await makeSession(later);
    const deleted = await makeSession(later);
    await later.deleteSession(deleted.sessionId);
    await equal(later, providers);
    const reports: unknown[] = [];
    // Whoever notices it first repairs it.
    for (const { db } of [storage, later]) db.on("error", (error) => reports.push(error));
    await restore();
    await until(() => expect(storage.db.provider).toBe("neon"));
    expect(await textsOf(storage, sessionId)).toEqual(["hello"]);
    expect(reports.some((error) => String(error).includes("restored from a backup"))).toBe(true);
    await equal(storage, providers);
  });
});

describe("a provider that is away while another one is restored from a backup", () => {
  it("gets what the restored one had for it", { timeout: 120_000 }, async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage();
    await makeSession(storage);
    await equal(storage, providers);
    const restore = await providers.backUp("neon");
    await until(() => expect(storage.db.provider).toBe("neon"));
    const remembered = (): Promise<unknown> =>
      server().query("SELECT heartbeat FROM replication_peers WHERE name = 'neon'", [], providers.database("supabase"));
    const before = await remembered();
    const later = await providers.storage();
    await until(async () => expect(await remembered()).not.toEqual(before));
    providers.cut("refuse", "railway");
    const { sessionId } = await makeSession(later);
    await until(async () => expect(await textsOf(providers.at("supabase"), sessionId)).toEqual(["hello"]));
    await later.close();
    await restore();
    await until(async () => expect(await textsOf(providers.at("neon"), sessionId)).toEqual(["hello"]));
    providers.cut("pass", "railway");
    await equal(storage, providers);
    expect(await textsOf(providers.at("railway"), sessionId)).toEqual(["hello"]);
  });
});

describe("acknowledge", () => {
  it("says how many providers have a save before it is acknowledged, and a deletion too", async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage({ acknowledge: "majority" });
    const session = new Session({ userId: "ada", storage });
    session.addUserMessage("one");
    expect((await session.save()).acceptedBy).toEqual(["neon", "supabase"]);
    expect(await textsOf(providers.at("supabase"), session.sessionId)).toEqual(["one"]);
    providers.cut("refuse", "supabase");
    session.addUserMessage("two");
    expect((await session.save()).acceptedBy).toEqual(["neon", "railway"]);
    session.clearHistory();
    session.addUserMessage("three");
    await session.save();
    expect(await textsOf(providers.at("railway"), session.sessionId)).toEqual(["three"]);
    providers.cut("refuse", "supabase", "railway");
    session.addUserMessage("four");
    await until(async () =>
      expect(await errorOf(session.save())).toMatchObject({ code: "unavailable", retryable: true }),
    );
    expect(session.unsavedCount).toBe(1);
    providers.cut("pass", "supabase", "railway");
    await until(async () => expect((await session.save()).acceptedBy).toHaveLength(2));
    await equal(storage, providers);
    expect(await textsOf(storage, session.sessionId)).toEqual(["three", "four"]);
  });

  it("cannot ask for more providers than there are", async () => {
    const providers = await ThreeProviders.start(server());
    const [connectionString = ""] = providers.urls;
    expect(() => new PostgresMemoryStorage({ connectionString, acknowledge: 2 })).toThrow(/add another one/);
  });
});

describe("a session", () => {
  it("says when a provider that may hold more of it cannot be asked", async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage();
    const { sessionId } = await makeSession(storage);
    expect((await storage.loadSession(sessionId))?.completeness).toEqual({ isComplete: true, unreachable: [] });
    await settled(storage);
    providers.cut("refuse", "neon");
    await until(async () =>
      expect((await storage.loadSession(sessionId))?.completeness).toEqual({
        isComplete: false,
        unreachable: ["neon"],
      }),
    );
  });

  it("says so until a provider that is back has given what it alone held", async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage();
    const session = new Session({ userId: "ada", storage });
    await say(session, "one");
    await settled(storage);
    providers.cut("refuse", "neon", "railway");
    await say(session, "two");
    providers.cut("refuse", "supabase");
    await errorOf(storage.loadSession(session.sessionId));
    providers.cut("pass", "neon");
    const load = (): Promise<Session | null> => storage.loadSession(session.sessionId);
    await until(async () => expect((await load())?.history.length).toBe(1));
    providers.cut("pass", "supabase");
    await vi.waitUntil(
      async () => {
        const loaded = await load();
        if (loaded?.history.length === 1) expect(loaded.completeness.unreachable).toContain("supabase");
        return loaded?.history.length === 2 && !loaded.completeness.unreachable.includes("supabase");
      },
      { timeout: 15_000, interval: 5 },
    );
  });

  it("keeps its own writes when it is refreshed from a provider that has not got them", async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage({ replication: "off" });
    const session = new Session({ userId: "ada", storage });
    await say(session, "one");
    providers.cut("refuse", "neon");
    await session.refresh();
    expect(session.getRecentMessages().map(({ content }) => content)).toEqual(["one"]);
    await say(session, "two");
    await session.refresh();
    expect(session.getRecentMessages().map(({ content }) => content)).toEqual(["one", "two"]);
    await storage.deleteSession(session.sessionId);
    expect(await errorOf(session.refresh())).toMatchObject({ code: "not_found" });
  });
});

describe("a deletion", () => {
  it("wins over what a provider took that had not heard of it", async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage();
    const session = await makeSession(storage);
    await settled(storage);
    providers.cut("refuse", "neon");
    await until(async () => expect(await storage.deleteSession(session.sessionId)).toBe(true));
    // Another process, which still reaches neon.
    const stale = await providers.at("neon").loadSession(session.sessionId);
    if (stale === null) throw new Error("neon has heard of the deletion");
    await say(stale, "too late");
    providers.cut("pass", "neon");
    await equal(storage, providers);
    for (const name of NAMES) expect(await textsOf(providers.at(name), session.sessionId)).toBeUndefined();
  });

  it("finds what only another provider has, and says when one that may have it cannot be asked", async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage();
    const here = await makeSession(storage);
    await settled(storage);
    const elsewhere = await makeSession(providers.at("railway"));
    expect(await storage.deleteSession("nowhere")).toBe(false);
    expect(await storage.deleteSession(elsewhere.sessionId)).toBe(true);
    expect(await textsOf(providers.at("railway"), elsewhere.sessionId)).toBeUndefined();
    const last = await makeSession(providers.at("railway"));
    providers.cut("refuse", "railway");
    await until(() => expect(storage.db.isUsable({ providers: ["railway"] })).toBe(false));
    expect((await errorOf(storage.deleteSession("nowhere"))).code).toBe("unavailable");
    expect(await errorOf(storage.deleteUser("ada"))).toMatchObject({ code: "unavailable", retryable: true });
    expect(await storage.loadSession(here.sessionId)).toBeNull();
    providers.cut("pass", "railway");
    await until(() => expect(storage.db.isUsable({ providers: ["railway"] })).toBe(true));
    expect(await storage.deleteUser("ada")).toMatchObject({ sessions: 1, messages: 1 });
    await equal(storage, providers);
    for (const name of NAMES) expect(await textsOf(providers.at(name), last.sessionId)).toBeUndefined();
  });

  it("that a save waited for is seen by that save", async () => {
    const providers = await ThreeProviders.start(server());
    const neon = providers.at("neon");
    const session = await makeSession(neon);
    const database = providers.database("neon");
    const blocker = new pg.Client({ connectionString: server().url(database) });
    await blocker.connect();
    onTestFinished(() => blocker.end());
    await blocker.query("BEGIN");
    await blocker.query("SELECT FROM session_heads WHERE session_id = $1 FOR UPDATE", [session.sessionId]);
    // Both wait for the lock, the deletion first.
    const deleted = neon.deleteSession(session.sessionId);
    const waiting = async (count: number): Promise<void> => {
      const rows = await server().query(
        "SELECT FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'",
        [database],
        database,
      );
      expect(rows).toHaveLength(count);
    };
    await until(() => waiting(1));
    session.clearHistory();
    session.addUserMessage("too late");
    const saved = errorOf(session.save());
    await until(() => waiting(2));
    await blocker.query("COMMIT");
    expect(await deleted).toBe(true);
    expect((await saved).code).toBe("not_found");
    expect(await neon.queryMemoryAtoms({ sessionId: session.sessionId })).toEqual([]);
  });
});
