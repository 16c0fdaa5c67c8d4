import { MemoryError, openStorage, Session } from "@rivet/memory-core";
import { SupabaseMemoryStorage } from "@rivet/memory-supabase";
import { createClient } from "@supabase/supabase-js";
import { afterEach, describe, expect, it, vi } from "vitest";
import { clientOfUser, sharedProject, storageForTest } from "./project.ts";

const project = sharedProject({ maxRows: 100 });

function server(): SupabaseMemoryStorage {
  return storageForTest({ url: project().url, key: project().keys.secret });
}

function requestPaths(): string[] {
  return project().gateway.requests.map(({ path }) => path);
}

async function sessionOf(storage: SupabaseMemoryStorage, messages: number): Promise<Session> {
  const session = new Session({ userId: "ada", storage });
  for (let index = 0; index < messages; index++) session.addUserMessage(`message ${index}`);
  await session.save();
  return session;
}

const texts = (session: Session | null): unknown[] =>
  session?.history.messages().map(({ content }) => content) ?? ["no session"];

const numbered = (start: number, end: number): string[] =>
  Array.from({ length: end - start }, (_, index) => `message ${start + index}`);

afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

describe("a key", () => {
  it.each(["serviceRole", "secret"] as const)("of a server (%s) reads and writes everything", async (name) => {
    const storage = storageForTest({ url: project().url, key: project().keys[name] });
    const { sessionId } = await sessionOf(storage, 1);
    expect(texts(await storage.loadSession(sessionId))).toEqual(["message 0"]);
  });

  it("of the new form stands for no user's token", async () => {
    const { url, keys, gateway } = project();
    await storageForTest({ url, key: keys.secret }).listSessions();
    expect(gateway.requests.at(-1)?.headers).toMatchObject({ apikey: keys.secret });
    const user = storageForTest({ client: clientOfUser(project(), "a11ce000-0000-4000-8000-000000000001") });
    await user.listSessions();
    const { headers } = gateway.requests.at(-1) ?? {};
    expect(headers).toMatchObject({ apikey: keys.publishable, authorization: expect.stringMatching(/^Bearer eyJ/) });
  });

  it("that is wrong is refused, and stands in no error", async () => {
    const key = "sb_secret_hunter2";
    const error: unknown = await storageForTest({ url: project().url, key })
      .listSessions()
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "permission", operation: "listSessions", backend: "supabase" });
    expect(JSON.stringify(error) + String(error)).not.toContain("hunter2");
  });

  it.each([
    "SUPABASE_KEY",
    "SUPABASE_SERVICE_ROLE_KEY",
    "SUPABASE_SECRET_KEY",
    "SUPABASE_ANON_KEY",
    "SUPABASE_PUBLISHABLE_KEY",
  ])("comes from %s, and the URL from SUPABASE_URL", async (variable) => {
    vi.stubEnv("SUPABASE_URL", project().url);
    vi.stubEnv("SUPABASE_KEY", "");
    vi.stubEnv(variable, project().keys.serviceRole);
    await using storage = await openStorage("supabase:");
    expect(storage).toBeInstanceOf(SupabaseMemoryStorage);
    await storage.listSessions();
    expect(project().gateway.requests.at(-1)?.headers).toMatchObject({ apikey: project().keys.serviceRole });
  });
});

describe("an option that is none", () => {
  const client = { rpc: () => Promise.reject(new Error("not called")) };

  it.each<[string, object, string]>([
    ["no URL", { key: "k" }, "options.url"],
    ["no key", { url: "http://localhost" }, "options.key"],
    ["a URL that is none", { url: "localhost", key: "k" }, "options.url"],
    ["a URL of a database", { url: "postgres://ada:hunter2@localhost/x", key: "k" }, "options.url"],
    ["a key over two lines", { url: "http://localhost", key: "hunter2\nhunter2" }, "options.key"],
    ["a client and a URL", { client, url: "http://localhost" }, "options.client"],
    ["a client that is none", { client: {} }, "options.client"],
    ["no time at all", { client, timeoutMs: 0 }, "options.timeoutMs"],
    ["a deadline that is no number", { client, deadlineMs: "30s" }, "options.deadlineMs"],
  ])("%s is refused with its path", (_, options, path) => {
    for (const name of ["SUPABASE_URL", "SUPABASE_KEY"]) vi.stubEnv(name, "");
    let error: unknown;
    try {
      new SupabaseMemoryStorage(options);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: "invalid_input", path, backend: "supabase" });
    expect(String(error)).not.toContain("hunter2");
  });

  it("openStorage takes no more than supabase:", async () => {
    const error: unknown = await openStorage("supabase://ada:hunter2@x").catch((thrown: unknown) => thrown);
    expect(MemoryError.isInstance(error) && [error.code, error.path]).toEqual(["invalid_input", "url"]);
    expect(String(error)).not.toContain("hunter2");
  });
});

describe("a storage", () => {
  it("needs no WebSocket", async () => {
    vi.stubGlobal("WebSocket", undefined);
    expect(() => createClient(project().url, "k")).toThrow("WebSocket");
    expect(await server().listSessions()).toBeInstanceOf(Array);
  });

  it("asks for nothing when it is made or opened", async () => {
    const before = requestPaths().length;
    await server().open();
    expect(requestPaths().length).toBe(before);
  });

  it("saves and loads with one request each", async () => {
    const storage = server();
    const before = requestPaths().length;
    const session = await sessionOf(storage, 2);
    session.addUserMessage("message 2");
    session.setMetadata("plant", "north");
    await session.save();
    await storage.loadSession(session.sessionId);
    await storage.loadSession("none");
    expect(requestPaths().slice(before)).toEqual([
      "/rest/v1/rpc/rivet_write_atoms",
      "/rest/v1/rpc/rivet_append",
      "/rest/v1/rpc/rivet_select_session",
      "/rest/v1/rpc/rivet_select_session",
    ]);
  });
});

describe("a client with a fetch of its own", () => {
  it("saves with one request each, also where its answers are no Response of this realm", async () => {
    const { url, keys } = project();
    const fetchElsewhere = async (...args: Parameters<typeof fetch>): Promise<Response> => {
      const response = await fetch(...args);
      const { ok, status, statusText, headers } = response;
      const body = await response.text();
      return { ok, status, statusText, headers, text: async () => body } as Response;
    };
    const client = createClient(url, keys.secret, { global: { fetch: fetchElsewhere } });
    const before = requestPaths().length;
    const session = await sessionOf(storageForTest({ client }), 1);
    for (let index = 1; index < 4; index++) {
      session.addUserMessage(`message ${index}`);
      await session.save();
    }
    expect(requestPaths().slice(before)).toEqual([
      "/rest/v1/rpc/rivet_write_atoms",
      ...Array.from({ length: 3 }, () => "/rest/v1/rpc/rivet_append"),
    ]);
  });
});

describe("sessions that save at once", () => {
  const together = "/rest/v1/rpc/rivet_append_together";

  it("share requests, and each knows the version of its history", async () => {
    const storage = server();
    const sessions = await Promise.all(Array.from({ length: 40 }, () => sessionOf(storage, 1)));
    const [first] = sessions;
    const elsewhere = await server().loadSession(first?.sessionId ?? "");
    elsewhere?.addUserMessage("message 1");
    await elsewhere?.save();
    const before = requestPaths().length;
    for (const session of sessions) session.addUserMessage("message 2");
    for (const { written } of await Promise.all(sessions.map((session) => session.save()))) expect(written).toBe(1);
    expect(requestPaths().slice(before)).toEqual([together, together, together, together]);
    for (const session of sessions) session.setMetadata("plant", "north");
    await Promise.all(sessions.map((session) => session.save({ ifUnchanged: true })));
    const loaded = await Promise.all(sessions.map(({ sessionId }) => storage.loadSession(sessionId)));
    expect(loaded.map(texts)).toEqual(
      sessions.map((_, index) => (index === 0 ? numbered(0, 3) : ["message 0", "message 2"])),
    );
    expect(loaded.map((session) => session?.metadata)).toEqual(sessions.map(() => ({ plant: "north" })));
  });

  it("are refused one by one", async () => {
    const storage = server();
    const [mine, theirs, deleted] = await Promise.all([
      sessionOf(storage, 1),
      sessionOf(storage, 1),
      sessionOf(storage, 1),
    ]);
    const ofAnother = new Session({ sessionId: theirs.sessionId, userId: "grace", storage });
    await server().deleteSession(deleted.sessionId);
    const sessions = [mine, ofAnother, deleted];
    for (const session of sessions) session.addUserMessage("message 1");
    const before = requestPaths().length;
    const saved = await Promise.allSettled(sessions.map((session) => session.save()));
    expect(requestPaths()[before]).toBe(together);
    expect(saved).toMatchObject([
      { value: { written: 1 } },
      { reason: { code: "permission", outcome: "not_applied", sessionId: ofAnother.sessionId } },
      { reason: { code: "not_found", outcome: "not_applied", sessionId: deleted.sessionId } },
    ]);
    expect(texts(await storage.loadSession(mine.sessionId))).toEqual(numbered(0, 2));
    expect(texts(await storage.loadSession(ofAnother.sessionId))).toEqual(numbered(0, 1));
  });

  it("say what is new of it when some is there already", async () => {
    const storage = server();
    const sessions = await Promise.all([1, 2].map(() => sessionOf(storage, 1)));
    for (const session of sessions) session.addUserMessage("message 1");
    const [twin] = sessions.map((session) => Session.fromJSON(session.toJSON(), server()));
    await twin?.save();
    const saved = await Promise.all(sessions.map((session) => session.save()));
    expect(saved.map(({ written }) => written)).toEqual([0, 1]);
  });
});

describe("several writers of one session", () => {
  it("cost one another a request now and then, and lose nothing", async () => {
    const { sessionId } = await sessionOf(server(), 1);
    const sessions = await Promise.all([server(), server()].map((storage) => storage.loadSession(sessionId)));
    const before = requestPaths().length;
    for (let index = 1; index < 21; index++) {
      const session = sessions[index % 2];
      session?.addUserMessage(`message ${index}`);
      expect(await session?.save()).toMatchObject({ written: 1 });
    }
    const functions = requestPaths().slice(before);
    const refused = functions.filter(
      (path, index) => path.endsWith("rivet_append") && functions[index + 1]?.endsWith("rivet_write_atoms"),
    );
    expect([functions.length, refused.length]).toEqual([22, 2]);
    expect(texts(await server().loadSession(sessionId))).toEqual(numbered(0, 21));
  });

  it("are of one user", async () => {
    const session = await sessionOf(server(), 1);
    const ofAnother = new Session({ sessionId: session.sessionId, userId: "grace", storage: server() });
    ofAnother.addUserMessage("message 1");
    await expect(ofAnother.save()).rejects.toMatchObject({ code: "permission" });
    expect(texts(await server().loadSession(session.sessionId))).toEqual(numbered(0, 1));
  });

  it("notice one another under ifUnchanged", async () => {
    const { sessionId } = await sessionOf(server(), 1);
    const [first, second] = await Promise.all([server(), server()].map((storage) => storage.loadSession(sessionId)));
    first?.addUserMessage("message 1");
    await first?.save({ ifUnchanged: true });
    second?.addUserMessage("message 2");
    await expect(second?.save({ ifUnchanged: true })).rejects.toMatchObject({ code: "conflict" });
    expect(texts(await server().loadSession(sessionId))).toEqual(numbered(0, 2));
  });
});

describe("a project's row cap", () => {
  it("is one: a bare select stops there", async () => {
    await project().apply("CREATE TABLE numbers AS SELECT generate_series(1, 150) AS number");
    const { data } = await createClient(project().url, project().keys.secret).from("numbers").select("number");
    expect(data).toHaveLength(100);
  });

  it("cuts nothing of 2,500 messages in one session", async () => {
    const storage = server();
    const { sessionId, history } = await sessionOf(storage, 2_500);
    expect(texts(await storage.loadSession(sessionId))).toEqual(numbered(0, 2_500));
    expect(texts(await storage.loadSession(sessionId, { lastMessages: 1_700 }))).toEqual(numbered(800, 2_500));
    const atoms = await storage.queryMemoryAtoms({ sessionId, limit: 2_200, memoryType: "message_user" });
    expect(atoms.map(({ content }) => content)).toEqual(numbered(300, 2_500).toReversed());
    let count = 0;
    for await (const _ of storage.atoms({ sessionId })) count += 1;
    expect(count).toBe(2_501);
    const ids = history.messages().map(({ id }) => id);
    expect(await storage.deleteMemoryAtoms(sessionId, ids.slice(0, 2_400))).toBe(2_400);
    expect(texts(await storage.loadSession(sessionId))).toEqual(numbered(2_400, 2_500));
    expect(await storage.replica.tombstonesAfter(sessionId, undefined, 2_300)).toHaveLength(2_300);
    expect(Math.max(...project().gateway.requests.map(({ urlUnits }) => urlUnits))).toBeLessThan(100);
  });

  it("cuts nothing of 1,200 sessions", async () => {
    const storage = server();
    const userId = "with many";
    const id = storage.clock.next();
    await storage.saveMemoryAtoms(
      Array.from({ length: 1_200 }, (_, index) => ({
        sessionId: `${id} ${index}`,
        userId,
        memoryType: "log",
        content: index,
      })),
    );
    expect(await storage.listSessions({ userId, limit: 1_150 })).toHaveLength(1_150);
    const names = new Set<string>();
    for await (const { sessionId } of storage.sessions({ userId })) names.add(sessionId);
    expect(names.size).toBe(1_200);
    expect(await storage.deleteUser(userId)).toMatchObject({ sessions: 1_200, atoms: 1_200 });
  });
});

describe("large values", () => {
  it("of 5 MB go in and come back, and are read a few at a time", async () => {
    const storage = server();
    const session = new Session({ userId: "ada", storage });
    const letters = Array.from({ length: 1_024 }, () => crypto.randomUUID()).join("");
    const large = letters.repeat(Math.ceil(5_000_000 / letters.length));
    for (let index = 0; index < 3; index++) {
      session.addUserMessage(`${index} ${large}`);
      await session.save();
    }
    const before = requestPaths().length;
    const loaded = await storage.loadSession(session.sessionId);
    expect(texts(loaded).map((text) => String(text).length)).toEqual([
      large.length + 2,
      large.length + 2,
      large.length + 2,
    ]);
    expect(texts(loaded)[2]).toBe(`2 ${large}`);
    expect(requestPaths().length - before).toBeGreaterThan(1);
    expect(texts(await storage.loadSession(session.sessionId, { lastMessages: 2 }))[0]).toBe(`1 ${large}`);
  });
});

describe("a session that changes between two pages of a load", () => {
  it("is read at once, as of one moment", async () => {
    const writer = server();
    const { url, keys } = project();
    const { sessionId, history } = await sessionOf(writer, 1_500);
    let [oldest, next] = [history.messages()[0]?.id ?? "", "message 1500"];
    const answers: string[] = [];
    const watched: typeof fetch = async (input, init) => {
      answers.push(String(input));
      // The first page is there: now the oldest message goes, and another comes.
      if (answers.length === 2) {
        await writer.deleteMemoryAtoms(sessionId, [oldest]);
        await writer.saveMemoryAtom({ sessionId, userId: "ada", memoryType: "message_user", content: next });
      }
      return fetch(input, init);
    };
    const reader = storageForTest({ client: createClient(url, keys.secret, { global: { fetch: watched } }) });
    const session = await reader.loadSession(sessionId);
    expect(texts(session)).toEqual(numbered(1, 1_501));
    expect(answers).toHaveLength(3);
    session?.addUserMessage("message 1501");
    await session?.save({ ifUnchanged: true });

    answers.length = 0;
    [oldest, next] = [history.messages()[1]?.id ?? "", "message 1502"];
    expect(texts(await reader.loadSession(sessionId, { lastMessages: 1_200 }))).toEqual(numbered(303, 1_503));
    expect(answers).toHaveLength(3);
  });
});
