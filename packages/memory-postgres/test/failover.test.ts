import { existsSync, writeFileSync } from "node:fs";
import { DatabaseManager } from "@rivet/db-manager";
import { sharedServer, until } from "@rivet/local-servers";
import { MemoryError, Session } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { journalPath, NAMES, ThreeProviders } from "./three-providers.ts";
import { runScript } from "./writer-process.ts";

const server = sharedServer({ beforeAll, afterAll });

async function errorOf(work: Promise<unknown>): Promise<MemoryError> {
  const error = await work.then(() => undefined).catch((thrown: unknown) => thrown);
  if (!MemoryError.isInstance(error)) throw new Error("the work did not end with a MemoryError", { cause: error });
  return error;
}

/** Saves a message; @returns what the receipt says. */
async function say(session: Session, text: string): Promise<string> {
  session.addUserMessage(text);
  const { acceptedBy, degraded } = await session.save();
  return `${acceptedBy.join()}${degraded ? " degraded" : ""}`;
}

async function isDrained(path: string): Promise<boolean> {
  const file = new SQLiteStorage(path);
  const left = await Promise.all(NAMES.map((name) => file.journal.pending(name, undefined, 1)));
  await file.close();
  return left.every((rows) => rows.length === 0);
}

describe("a save", () => {
  it("goes to the next provider when the first is gone, and back", async () => {
    const providers = await ThreeProviders.start(server());
    // On a busy machine a hedge would go further than to the next.
    const storage = await providers.storage({}, { hedgeAfterMs: 60_000 });
    const session = new Session({ userId: "ada", storage });
    expect(await say(session, "one")).toBe("neon");
    providers.cut("refuse", "neon");
    expect(await say(session, "two")).toBe("supabase degraded");
    providers.cut("pass", "neon");
    await until(() => expect(storage.db.provider).toBe("neon"));
    expect(await say(session, "three")).toBe("neon");
    const all = ["one", "two", "three"];
    await until(async () =>
      expect(await providers.texts(session.sessionId)).toEqual({ neon: all, supabase: all, railway: all }),
    );
  });

  it("costs a hedge when the first is silent, and is nowhere twice", async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage();
    const session = new Session({ userId: "ada", storage });
    await say(session, "one");
    const hedges = (): number => storage.db.getProviderStats()["neon"]?.hedges ?? 0;
    // On a busy machine the first save may have had one, too.
    const before = hedges();
    providers.cut("swallow-replies", "neon");
    expect(await say(session, "two")).toBe("supabase degraded");
    expect((await providers.texts(session.sessionId))["supabase"]).toContain("two");
    expect(hedges()).toBe(before + 1);
    providers.cut("pass", "neon");
    const all = ["one", "two"];
    await until(async () =>
      expect(await providers.texts(session.sessionId)).toEqual({ neon: all, supabase: all, railway: all }),
    );
  });

  it("that a session's owner forbids is refused, wherever it goes, and changes no state", async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage();
    const session = new Session({ userId: "ada", storage });
    await say(session, "one");
    const stranger = new Session({ userId: "bob", storage, sessionId: session.sessionId });
    for (let count = 0; count < 20; count += 1) expect((await errorOf(stranger.save())).code).toBe("permission");
    const states = Object.values(storage.db.getProviderStats()).map(({ state }) => state);
    expect(states).toEqual(["up", "up", "up"]);
  });
});

describe("when no provider is left", () => {
  it("the journal takes saves, and all providers have them soon after they are back", async () => {
    const providers = await ThreeProviders.start(server());
    const path = journalPath();
    const storage = await providers.storage({ local: path });
    const session = new Session({ userId: "ada", storage, metadata: { plant: "north" } });
    expect(await say(session, "one")).toBe("neon");
    expect(existsSync(path)).toBe(false);
    providers.cut("refuse", ...NAMES);
    expect(await say(session, "two")).toBe("local degraded");
    session.setMetadata("plant", "south");
    expect(await say(session, "three")).toBe("local degraded");
    const other = new Session({ userId: "bob", storage });
    expect(await say(other, "hello")).toBe("local degraded");
    expect(await isDrained(path)).toBe(false);
    providers.cut("pass", ...NAMES);
    await until(async () => expect(await isDrained(path)).toBe(true), { intervalMs: 200 });
    const all = ["one", "two", "three"];
    await until(async () =>
      expect(await providers.texts(session.sessionId)).toEqual({ neon: all, supabase: all, railway: all }),
    );
    expect(await providers.texts(other.sessionId)).toEqual({
      neon: ["hello"],
      supabase: ["hello"],
      railway: ["hello"],
    });
    expect((await providers.at("neon").loadSession(session.sessionId))?.metadata).toEqual({ plant: "south" });
  });

  it("ifUnchanged holds as before once the journal is empty again", async () => {
    const providers = await ThreeProviders.start(server());
    const path = journalPath();
    const storage = await providers.storage({ local: path });
    const session = new Session({ userId: "ada", storage });
    await say(session, "one");
    providers.cut("refuse", ...NAMES);
    await say(session, "two");
    providers.cut("pass", ...NAMES);
    await until(async () => expect(await isDrained(path)).toBe(true), { intervalMs: 200 });
    await until(() => expect(storage.db.provider).toBe("neon"));
    session.addUserMessage("three");
    expect(await session.save({ ifUnchanged: true })).toMatchObject({ acceptedBy: ["neon"], degraded: false });
  });

  it("one provider alone has a journal too, and a SQLiteStorage may keep it", async () => {
    const providers = await ThreeProviders.start(server());
    await using file = new SQLiteStorage(journalPath());
    const storage = new PostgresMemoryStorage({ connectionString: providers.urls[0] ?? "", local: file });
    onTestFinished(() => storage.close());
    const session = new Session({ userId: "ada", storage });
    expect(await say(session, "one")).toBe("postgres");
    providers.cut("refuse", "neon");
    expect(await say(session, "two")).toBe("local degraded");
    providers.cut("pass", "neon");
    await until(async () => expect(await file.journal.pending("postgres", undefined, 1)).toEqual([]));
    expect(await say(session, "three")).toBe("postgres");
    expect((await providers.texts(session.sessionId))["neon"]).toEqual(["one", "two", "three"]);
    await storage.close();
    expect(await file.listSessions()).toEqual([]);
  });

  it("a process can start, save and die: the next one brings what it left", async () => {
    const providers = await ThreeProviders.start(server());
    const path = journalPath();
    providers.cut("refuse", ...NAMES);
    const run = runScript(providers.urls[0] ?? "", "journal.ts", [path]);
    const lines = run.lines[Symbol.asyncIterator]();
    const { value: saved } = await lines.next();
    run.child.kill("SIGKILL");
    const [sessionId, acceptedBy] = String(saved).split(" ");
    expect(acceptedBy).toBe("local");
    providers.cut("pass", ...NAMES);
    await providers.storage({ local: path });
    await until(async () => expect(await isDrained(path)).toBe(true), { intervalMs: 200 });
    const left = { neon: ["left behind"], supabase: ["left behind"], railway: ["left behind"] };
    expect(await providers.texts(sessionId ?? "")).toEqual(left);
  });

  it("two storages may share one journal, which each of them empties", async () => {
    const providers = await ThreeProviders.start(server());
    const path = journalPath();
    const storages = [await providers.storage({ local: path }), await providers.storage({ local: path })];
    providers.cut("refuse", ...NAMES);
    const sessions = storages.map((storage) => new Session({ userId: "ada", storage }));
    for (let count = 0; count < 20; count += 1) {
      const receipts = await Promise.all(sessions.map((session) => say(session, String(count))));
      expect(receipts).toEqual(["local degraded", "local degraded"]);
    }
    providers.cut("pass", ...NAMES);
    await until(async () => expect(await isDrained(path)).toBe(true), { intervalMs: 200 });
    const all = Array.from({ length: 20 }, (_, index) => String(index));
    for (const { sessionId } of sessions) {
      expect(await providers.texts(sessionId)).toEqual({ neon: all, supabase: all, railway: all });
    }
  });

  it("what also deletes has to wait, and is right later", async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage({ local: journalPath() });
    const session = new Session({ userId: "ada", storage });
    await say(session, "one");
    providers.cut("refuse", ...NAMES);
    session.clearHistory();
    session.addUserMessage("two");
    expect(await errorOf(session.save())).toMatchObject({ code: "unavailable", retryable: true });
    expect((await errorOf(storage.deleteSession(session.sessionId))).code).toBe("unavailable");
    providers.cut("pass", ...NAMES);
    await until(() => expect(storage.db.getProviderStats()["neon"]?.state).toBe("up"));
    await session.save();
    expect((await providers.texts(session.sessionId))["neon"]).toEqual(["two"]);
  });

  it("and no journal, a save fails, and stays unsaved", async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage({ local: false }, { journalPath: journalPath() });
    const session = new Session({ userId: "ada", storage });
    await say(session, "one");
    providers.cut("refuse", ...NAMES);
    session.addUserMessage("two");
    const error = await errorOf(session.save());
    expect(error).toMatchObject({ code: "unavailable", retryable: true });
    for (const name of NAMES) expect(error.message).toContain(name);
    expect(session.unsavedCount).toBe(1);
  });

  it("and the journal cannot be written, the error says both", async () => {
    const providers = await ThreeProviders.start(server());
    const path = journalPath();
    const inTheWay = path.slice(0, -"/data/local.db".length);
    writeFileSync(`${inTheWay}/data`, "a file where a folder should be");
    const storage = await providers.storage({ local: path });
    providers.cut("refuse", ...NAMES);
    const error = await errorOf(new Session({ userId: "ada", storage }).save());
    expect(error).toMatchObject({ code: "unavailable", retryable: true });
    expect(error.message).toMatch(/neon .* and the local journal cannot take it: /);
  });
});

describe("a journal that is full", () => {
  it("refuses what does not fit, keeps what it took, and brings it to all providers", async () => {
    const providers = await ThreeProviders.start(server());
    const path = journalPath();
    await using file = new SQLiteStorage(path, { maxFileBytes: 400_000 });
    const storage = await providers.storage({ local: file });
    const session = new Session({ userId: "ada", storage });
    providers.cut("refuse", ...NAMES);
    const acknowledged: string[] = [];
    let error: MemoryError | undefined;
    while (error === undefined) {
      session.addUserMessage(`${acknowledged.length} ${"x".repeat(50_000)}`);
      const text = session.getRecentMessages(1)[0]?.content;
      error = await session.save().then(
        () => void acknowledged.push(String(text)),
        (reason: MemoryError) => reason,
      );
    }
    expect(acknowledged.length).toBeGreaterThan(0);
    expect(error).toMatchObject({ code: "unavailable", retryable: true });
    expect(error.message).toMatch(/neon .* and the local journal cannot take it: .*cannot grow/);

    providers.cut("pass", ...NAMES);
    await until(async () => expect(await isDrained(path)).toBe(true), { intervalMs: 200 });
    await until(async () =>
      expect(await providers.texts(session.sessionId)).toMatchObject({ neon: acknowledged, railway: acknowledged }),
    );
    await until(() => expect(storage.db.provider).toBe("neon"));
    // What was refused is still in the session, and goes with the next save.
    expect(session.unsavedCount).toBe(1);
    expect(await session.save()).toMatchObject({ acceptedBy: ["neon"] });
    expect((await providers.texts(session.sessionId))["neon"]).toHaveLength(acknowledged.length + 1);
  });
});

describe("the journal in the middle of the order", () => {
  it("comes before the providers behind it, which take over when it cannot be written", async () => {
    const providers = await ThreeProviders.start(server());
    const path = journalPath();
    const inOrder = { journalPath: path, journalAfter: 1 };
    const storage = await providers.storage({}, inOrder);
    providers.cut("refuse", "neon");
    const session = new Session({ userId: "ada", storage });
    expect(await say(session, "one")).toBe("local degraded");
    // Those that are well get it at once.
    await until(async () =>
      expect(await providers.texts(session.sessionId)).toMatchObject({ supabase: ["one"], railway: ["one"] }),
    );
    const broken = await providers.storage({ local: `${path}/is/no/folder.db` }, inOrder);
    expect(await say(new Session({ userId: "ada", storage: broken }), "one")).toBe("supabase degraded");
  });
});

describe("what a provider refuses when the journal is emptied", () => {
  it("stays in the journal and is told of; a deleted session is let go; the rest goes through", async () => {
    const providers = await ThreeProviders.start(server());
    const path = journalPath();
    const storage = await providers.storage({ local: path });
    const [taken, deleted, good] = [1, 2, 3].map(() => new Session({ userId: "ada", storage }));
    if (taken === undefined || deleted === undefined || good === undefined) throw new Error("three sessions");
    await deleted.save();
    providers.cut("refuse", ...NAMES);
    for (const session of [taken, deleted, good]) await say(session, "while all were gone");
    await providers
      .at("neon")
      .saveMemoryAtom({ sessionId: taken.sessionId, userId: "bob", memoryType: "log", content: 1 });
    await providers.at("neon").deleteSession(deleted.sessionId);
    const errors: string[] = [];
    storage.db.on("error", ({ message, provider }) => errors.push(`${provider} ${message}`));
    providers.cut("pass", ...NAMES);
    const file = new SQLiteStorage(path);
    onTestFinished(() => file.close());
    const leftFor = async (name: string): Promise<Set<string>> =>
      new Set((await file.journal.pending(name, undefined, 100)).map(({ sessionId }) => sessionId));
    await until(
      async () => {
        expect(await leftFor("neon")).toEqual(new Set([taken.sessionId]));
        expect(await leftFor("railway")).toEqual(new Set());
      },
      { intervalMs: 200 },
    );
    expect((await providers.texts(good.sessionId))["neon"]).toEqual(["while all were gone"]);
    expect(
      errors.filter((line) => /^neon .* stays in the local journal because a provider refused it: /.test(line)),
    ).not.toEqual([]);
  });
});

describe("open()", () => {
  it("refuses two names for one database", async () => {
    const url = await server().createDatabase();
    const providers = ["neon", "supabase"].map((name) => ({ name, connectionString: url }));
    const db = new DatabaseManager({ providers });
    onTestFinished(() => db.close());
    const error = await errorOf(new PostgresMemoryStorage({ db }).open());
    expect(error.code).toBe("invalid_input");
    expect(error.message).toMatch(/the providers \w+ and \w+ are the same database/);
  });

  it("leaves out a provider whose tables are not right, with one event, and takes the others", async () => {
    const providers = await ThreeProviders.start(server());
    await providers.at("supabase").open();
    const db = providers.manager();
    const changes: string[] = [];
    db.on("stateChange", ({ provider, to }) => changes.push(`${provider} ${to}`));
    const storage = new PostgresMemoryStorage({ db, migrate: false });
    onTestFinished(() => storage.close());
    await storage.open();
    expect(await say(new Session({ userId: "ada", storage }), "one")).toBe("supabase degraded");
    expect(changes.filter((change) => change.endsWith("ineligible")).toSorted()).toEqual([
      "neon ineligible",
      "railway ineligible",
    ]);
    expect(db.getProviderStats()["neon"]?.lastError?.message).toContain("schemaStatements(");
  });

  it("makes a provider ready that was away then, before it takes work", async () => {
    const providers = await ThreeProviders.start(server());
    providers.cut("refuse", "neon");
    const storage = await providers.storage();
    const session = new Session({ userId: "ada", storage });
    expect(await say(session, "one")).toBe("supabase degraded");
    providers.cut("pass", "neon");
    await until(() => expect(storage.db.provider).toBe("neon"));
    expect(await say(session, "two")).toBe("neon");
  });

  it("fails when no provider is ready and there is no journal, with the first reason", async () => {
    const providers = await ThreeProviders.start(server());
    providers.cut("refuse", ...NAMES);
    const storage = new PostgresMemoryStorage({ db: providers.manager() });
    onTestFinished(() => storage.close());
    expect(await errorOf(storage.open())).toMatchObject({ code: "unavailable", retryable: true });
    providers.cut("pass", ...NAMES);
    await storage.open();
  });
});

it.each([":memory:", "", 5, {}])("refuses the journal %j", (local) => {
  const options = { connectionString: "postgres://ada@localhost/x", local: local as string };
  expect(() => new PostgresMemoryStorage(options)).toThrow(/options.local must be/);
});
