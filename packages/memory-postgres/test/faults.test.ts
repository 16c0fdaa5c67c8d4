import { inspect } from "node:util";
import { DatabaseManager } from "@rivet/db-manager";
import { startPostgres, startProxy, type PostgresServer, sharedServer, type TcpProxy } from "@rivet/local-servers";
import { MemoryError, Session } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { readHeads } from "./stored-heads.ts";

const server = sharedServer({ beforeAll, afterAll });

const TERMINATE_ALL = `
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`;

async function openStorage(url: string, options: { poolSize?: number } = {}): Promise<PostgresMemoryStorage> {
  const db = new DatabaseManager({ providers: [{ name: "local", connectionString: url, ...options }] });
  const storage = new PostgresMemoryStorage({ db });
  onTestFinished(async () => {
    await storage.close();
    await db.close();
  });
  return storage.open();
}

function addTurn(session: Session, turn: number): void {
  session.addUserMessage(`question ${turn}`);
  session.addAssistantMessage(`answer ${turn}`);
}

/** Each session holds each turn that was saved, once, and the heads agree. */
async function expectComplete(url: string, sessions: readonly Session[], turns: number): Promise<void> {
  const { stored, expected, atomIds } = await readHeads(url);
  expect(stored).toEqual(expected);
  expect(new Set(atomIds).size).toBe(atomIds.length);
  const messages = stored.reduce((sum, head) => sum + head.messageCount, 0);
  expect(messages).toBe(sessions.length * turns * 2);
}

describe("the server ends every connection", () => {
  it("while they are idle: the process lives, and the next save works", async () => {
    const own = await startPostgres();
    onTestFinished(() => own[Symbol.asyncDispose]());
    const url = await own.createDatabase();
    const storage = await openStorage(url);
    const sessions = Array.from({ length: 10 }, () => new Session({ userId: "ada", storage }));
    for (let turn = 0; turn < 5; turn++) {
      for (const session of sessions) addTurn(session, turn);
      await Promise.all(sessions.map((session) => session.save({ ifUnchanged: turn > 0 })));
      await own.query(TERMINATE_ALL);
    }
    await expectComplete(url, sessions, 5);
  });

  it("while they are busy: every save works, and nothing is lost or doubled", { timeout: 120_000 }, async () => {
    const own = await startPostgres();
    onTestFinished(() => own[Symbol.asyncDispose]());
    const url = await own.createDatabase();
    const storage = await openStorage(url);
    const sessions = Array.from({ length: 8 }, () => new Session({ userId: "ada", storage }));
    const turns = 100;
    let saved = 0;
    let terminations = 0;
    await Promise.all([
      ...sessions.map(async (session) => {
        for (let turn = 0; turn < turns; turn++) {
          addTurn(session, turn);
          await saveUntilDone(session);
          saved += 1;
        }
      }),
      (async () => {
        // Each time after some more saves: all at once, and nothing would ever go through.
        for (let seen = 0; saved < sessions.length * turns; await own.query("SELECT 1")) {
          if (saved < seen + 10) continue;
          seen = saved;
          await own.query(TERMINATE_ALL);
          terminations += 1;
        }
      })(),
    ]);
    expect(terminations).toBeGreaterThan(3);
    await expectComplete(url, sessions, turns);
  });
});

/** The same save again, for as long as the server takes connections away faster than a save is repeated. */
async function saveUntilDone(session: Session): Promise<void> {
  for (;;) {
    try {
      await session.save();
      return;
    } catch (error) {
      if (!MemoryError.isInstance(error) || !error.retryable) throw error;
    }
  }
}

describe("a pool of one connection", () => {
  it("serves 50 saves at once", async () => {
    const url = await server().createDatabase();
    const storage = await openStorage(url, { poolSize: 1 });
    const sessions = Array.from({ length: 50 }, () => new Session({ userId: "ada", storage }));
    for (const session of sessions) addTurn(session, 0);
    await Promise.all(sessions.map((session) => session.save({ ifUnchanged: true })));
    for (const session of sessions) addTurn(session, 1);
    await Promise.all(sessions.map((session) => session.save()));
    await expectComplete(url, sessions, 2);
  });
});

describe("a server that is stopped", () => {
  it.each(["fast", "immediate", "kill"] as const)(
    "by %s makes saves unavailable, and they go through when it is started again",
    { timeout: 120_000 },
    async (mode) => {
      const own: PostgresServer = await startPostgres();
      onTestFinished(() => own[Symbol.asyncDispose]());
      const url = await own.createDatabase();
      const storage = await openStorage(url);
      const session = new Session({ userId: "ada", storage });
      addTurn(session, 0);
      await session.save();
      await own.stop(mode);
      addTurn(session, 1);
      await expect(session.save()).rejects.toMatchObject({ code: "unavailable", retryable: true, backend: "postgres" });
      expect(session.unsavedCount).toBe(2);
      await own.start();
      await session.save();
      await expectComplete(url, [session], 2);
    },
  );
});

/** A session of one turn, saved through a proxy that passes. */
async function savedThroughProxy(): Promise<{ url: string; proxy: TcpProxy; session: Session }> {
  const url = await server().createDatabase();
  const proxy = await startProxy(server());
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const session = new Session({ userId: "ada", storage: await openStorage(proxy.url(url)) });
  addTurn(session, 0);
  await session.save();
  return { url, proxy, session };
}

describe("a server that falls silent", () => {
  it("ends a save with timeout within the deadline, and a repeat makes it right", { timeout: 120_000 }, async () => {
    const { url, proxy, session } = await savedThroughProxy();

    proxy.setMode("black-hole");
    addTurn(session, 1);
    const startMs = performance.now();
    await expect(session.save()).rejects.toMatchObject({ code: "timeout", outcome: "unknown", retryable: true });
    expect(performance.now() - startMs).toBeLessThan(5_500);
    proxy.setMode("pass");
    expect((await session.save()).written).toBe(2);
    await expectComplete(url, [session], 2);
  });

  it("after it has committed: the repeat finds everything there", { timeout: 120_000 }, async () => {
    const { url, proxy, session } = await savedThroughProxy();

    proxy.setMode("swallow-replies");
    addTurn(session, 1);
    await expect(session.save()).rejects.toMatchObject({ code: "timeout", outcome: "unknown" });
    proxy.setMode("pass");
    expect((await session.save()).written).toBe(0);
    expect(session.unsavedCount).toBe(0);
    await expectComplete(url, [session], 2);
  });
});

describe("a password", () => {
  const password = "s3cr3t/p@ss";

  it("appears in no error, stack or stat, whatever goes wrong", { timeout: 120_000 }, async () => {
    const url = await server().createDatabase();
    await server().query(`CREATE ROLE locked LOGIN PASSWORD '${password}'`);
    const database = decodeURIComponent(new URL(url).pathname.slice(1));
    await server().query(`GRANT CONNECT ON DATABASE "${database}" TO locked`);
    const encoded = encodeURIComponent(password);
    const { port } = server();
    const attempts = {
      wrong: `postgres://locked:${encoded}x@127.0.0.1:${port}/${database}`,
      unreachable: `postgres://locked:${encoded}@127.0.0.1:1/${database}`,
      unknownHost: `postgres://locked:${encoded}@nowhere.invalid:5432/${database}?sslmode=disable`,
      noDatabase: `postgres://locked:${encoded}@127.0.0.1:${port}/nothing`,
      noTls: `postgres://locked:${encoded}@127.0.0.1:${port}/${database}?sslmode=require`,
      malformed: `postgres://locked:${encoded}@127.0.0.1:port/${database}`,
      mayNotCreate: `postgres://locked:${encoded}@127.0.0.1:${port}/${database}`,
    };
    const seen: string[] = [];
    for (const connectionString of Object.values(attempts)) {
      try {
        const storage = new PostgresMemoryStorage({ connectionString });
        storage.db.on("error", (error) => seen.push(inspect(error, { depth: 20, showHidden: true })));
        const error: unknown = await storage.open().catch((thrown: unknown) => thrown);
        seen.push(inspect(error, { depth: 20, showHidden: true }), JSON.stringify(storage.db.getProviderStats()));
        seen.push(inspect(storage, { depth: 20 }));
        await storage.close();
      } catch (error) {
        seen.push(inspect(error, { depth: 20, showHidden: true }));
      }
    }
    expect(seen.length).toBeGreaterThan(Object.keys(attempts).length);
    expect(seen.filter((text) => text.includes(password) || text.includes(encoded) || text.includes("s3cr3t"))).toEqual(
      [],
    );
  });
});
