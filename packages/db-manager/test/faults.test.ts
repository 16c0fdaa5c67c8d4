import { startProxy, until } from "@rivet/local-servers";
import type { DatabaseManager, StateChange } from "@rivet/db-manager";
import { describe, expect, it, onTestFinished } from "vitest";
import { failureOf, manage, ownServer, TERMINATE_ALL, useServer } from "./servers.ts";

const server = useServer();

/** As many connections as the pool has, all open and at rest. */
async function fill(db: DatabaseManager, connections: number): Promise<void> {
  await Promise.all(Array.from({ length: connections }, () => db.query("SELECT pg_sleep(0.05)")));
  expect(db.getProviderStats()["main"]?.pool).toMatchObject({ total: connections, idle: connections });
}

function changesOf(db: DatabaseManager): string[] {
  const changes: string[] = [];
  db.on("stateChange", ({ from, to }: StateChange) => changes.push(`${from} ${to}`));
  return changes;
}

describe("connections that the server ends", () => {
  it("while they are idle cost no call an error", async () => {
    const own = await ownServer();
    const db = manage(await own.createDatabase());
    await fill(db, 10);
    const errors: string[] = [];
    db.on("error", ({ sqlState }) => errors.push(String(sqlState)));
    await own.query(TERMINATE_ALL);
    // Without `idempotent`: none of these may meet a dead connection once their end was heard.
    await until(() => expect(db.getProviderStats()["main"]?.pool.total).toBe(0));
    await Promise.all(Array.from({ length: 10 }, () => db.query("SELECT 1")));
    expect(errors.length).toBeGreaterThanOrEqual(1);
    expect(new Set(errors)).toEqual(new Set(["57P01"]));
    expect(db.getProviderStats()["main"]?.state).toBe("up");
  });

  it("while they are busy: idempotent work goes on, and other work is told that it may have been applied", async () => {
    const own = await ownServer();
    const db = manage(await own.createDatabase(), { poolSize: 6, statementTimeoutMs: 4000 });
    const sleep = "SELECT pg_sleep(0.5)";
    const safe = Array.from({ length: 3 }, () => db.query(sleep, [], { idempotent: true }));
    const transaction = db.transaction(async (client) => client.query(sleep), { idempotent: true });
    const others = Array.from({ length: 2 }, () => failureOf(db.query(sleep)));
    const busy = `SELECT 1 FROM pg_stat_activity WHERE query = '${sleep}' AND state = 'active'`;
    await until(async () => expect(await own.query(busy)).toHaveLength(6));
    await own.query(TERMINATE_ALL);
    for (const { rowCount } of await Promise.all([...safe, transaction])) expect(rowCount).toBe(1);
    for (const error of await Promise.all(others)) {
      expect(error).toMatchObject({ code: "unavailable", outcome: "unknown", retryable: true });
    }
  });

  it("in the middle of a transaction leave nothing behind, and say so", async () => {
    const own = await ownServer();
    const db = manage(await own.createDatabase());
    await db.query("CREATE TABLE t (id int)");
    let runs = 0;
    const work = async (isCut: boolean): Promise<unknown> =>
      db.transaction(
        async (client) => {
          runs += 1;
          await client.query("INSERT INTO t VALUES (1)");
          if (isCut && runs === 1) await own.query(TERMINATE_ALL);
          await client.query("SELECT 1");
        },
        { idempotent: !isCut || runs > 0 },
      );
    expect(await failureOf(work(true))).toMatchObject({ code: "unavailable", outcome: "not_applied", retryable: true });
    expect(runs).toBe(1);
    await work(false);
    expect((await db.query("SELECT id FROM t")).rows).toEqual([{ id: 1 }]);
  });
});

describe("after a lost connection", () => {
  it("no older one is used again, though its work is finished", async () => {
    const db = manage(await server().createDatabase(), { poolSize: 2, statementTimeoutMs: 4000 });
    const pid = "SELECT pg_backend_pid() AS pid";
    const slow = db.query<{ pid: number }>(`${pid}, pg_sleep(0.3)`);
    await failureOf(db.query("SELECT pg_terminate_backend(pg_backend_pid())"));
    const older = (await slow).rows[0]?.pid;
    const [next] = (await db.query<{ pid: number }>(pid)).rows;
    expect(next?.pid).not.toBe(older);
  });

  it("the errors of older ones count no more: three silent ones together are one suspicion", async () => {
    const proxy = await startProxy(server());
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const db = manage(proxy.url(server().url()), { statementTimeoutMs: 200 });
    const changes = changesOf(db);
    await fill(db, 3);
    proxy.setMode("black-hole");
    const silent = await Promise.all([1, 2, 3].map(() => failureOf(db.query("SELECT 1"))));
    expect(silent.map(({ code }) => code)).toEqual(["timeout", "timeout", "timeout"]);
    expect(changes).toEqual(["unknown up", "up suspect"]);
  });
});

describe("a server that cannot be reached", () => {
  it.each(["fast", "immediate", "kill"] as const)(
    "after a stop by %s is down, and up when it is back",
    async (mode) => {
      const own = await ownServer();
      const db = manage(await own.createDatabase());
      const changes = changesOf(db);
      await db.query("SELECT 1");
      await own.stop(mode);
      const error = await failureOf(db.query("INSERT INTO t VALUES (1)"));
      expect(error).toMatchObject({ code: "unavailable", outcome: "not_applied", retryable: true });
      expect(await db.healthCheck()).toBe(false);
      expect(db.getProviderStats()["main"]?.state).toBe("down");
      await own.start();
      expect((await db.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
      // The end of an idle connection alone proves nothing.
      expect(changes).toEqual(["unknown up", "up suspect", "suspect down", "down up"]);
    },
  );

  it("refuses: unavailable, and nothing was sent", async () => {
    const proxy = await startProxy(server());
    const url = proxy.url(server().url());
    await proxy[Symbol.asyncDispose]();
    const error = await failureOf(manage(url).query("SELECT 1"));
    expect(error).toMatchObject({ code: "unavailable", outcome: "not_applied", sqlState: undefined });
    expect(error.message).toContain("ECONNREFUSED");
  });

  it("has no address: unavailable, with a message that says which name", async () => {
    const error = await failureOf(manage("postgres://u:p@nothing.invalid/db").query("SELECT 1"));
    expect(error).toMatchObject({ code: "unavailable", host: "nothing.invalid:5432", outcome: "not_applied" });
  });

  it("resets: idempotent work is repeated on a new connection", async () => {
    const proxy = await startProxy(server());
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const db = manage(proxy.url(server().url()), { statementTimeoutMs: 4000 });
    await fill(db, 3);
    const statement = "SELECT pg_sleep(0.3), 'reset'";
    const work = db.query(statement, [], { idempotent: true });
    const active = `SELECT 1 FROM pg_stat_activity WHERE query = $1 AND state = 'active'`;
    await until(async () => expect(await server().query(active, [statement])).toHaveLength(1));
    proxy.setMode("reset");
    expect((await work).rowCount).toBe(1);
  });
});

describe("a server that falls silent", () => {
  it("ends a statement by timeout, within the deadline, with an unknown outcome", async () => {
    const proxy = await startProxy(server());
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const db = manage(proxy.url(server().url()), { statementTimeoutMs: 200, connectTimeoutMs: 200 });
    const changes = changesOf(db);
    await fill(db, 3);
    proxy.setMode("black-hole");
    expect(await failureOf(db.query("SELECT 1"))).toMatchObject({
      code: "timeout",
      outcome: "unknown",
      retryable: true,
    });
    // The silent connections are not used again; new ones are not made either.
    const unsent = await failureOf(db.query("SELECT 1"));
    expect(unsent).toMatchObject({ code: "timeout", outcome: "not_applied" });
    expect(changes).toEqual(["unknown up", "up suspect", "suspect down"]);
    proxy.setMode("pass");
    expect((await db.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  });

  it("keeps the outcome unknown when the repeat was not even sent", async () => {
    const proxy = await startProxy(server());
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const db = manage(proxy.url(server().url()), { statementTimeoutMs: 200, connectTimeoutMs: 200 });
    await db.query("SELECT 1");
    proxy.setMode("black-hole");
    const error = await failureOf(db.query("SELECT 1", [], { idempotent: true }));
    expect(error).toMatchObject({ code: "timeout", outcome: "unknown", retryable: true });
  });

  it("may swallow the answer to COMMIT: the outcome is unknown, and the rows are there", async () => {
    const proxy = await startProxy(server());
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const url = await server().createDatabase();
    const [db, direct] = [manage(proxy.url(url), { statementTimeoutMs: 200 }), manage(url)];
    await direct.query("CREATE TABLE t (id int)");
    const work = db.transaction(async (client) => {
      await client.query("INSERT INTO t VALUES (1)");
      proxy.setMode("swallow-replies");
    });
    expect(await failureOf(work)).toMatchObject({ code: "timeout", outcome: "unknown" });
    await until(async () => expect((await direct.query("SELECT id FROM t")).rows).toEqual([{ id: 1 }]));
  });

  it("is given up at once by the caller's signal", async () => {
    const db = manage(await server().createDatabase(), { poolSize: 1, statementTimeoutMs: 30_000 });
    const controller = new AbortController();
    const running = failureOf(db.query("SELECT pg_sleep(30)", [], { signal: controller.signal }));
    const waiting = failureOf(db.query("SELECT 1", [], { signal: controller.signal }));
    const inTransaction = failureOf(db.transaction(async () => 1, { signal: controller.signal }));
    await until(() => expect(db.getProviderStats()["main"]?.pool.waiting).toBe(2));
    await until(async () => {
      expect(await server().query("SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)'")).toHaveLength(
        1,
      );
    });
    controller.abort(new Error("enough"));
    expect(await running).toMatchObject({ code: "timeout", outcome: "unknown", retryable: false });
    expect(await waiting).toMatchObject({ code: "timeout", outcome: "not_applied" });
    expect(await inTransaction).toMatchObject({ code: "timeout", outcome: "not_applied" });
    const late = failureOf(db.query("SELECT 1", [], { signal: controller.signal }));
    expect(await late).toMatchObject({ code: "timeout", outcome: "not_applied" });
    expect((await db.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  });
});

describe("a pool", () => {
  it("of one serves 50 at once, each in its turn", async () => {
    const db = manage(await server().createDatabase(), { poolSize: 1, connectTimeoutMs: 500 });
    // Together they take longer than a connection may.
    const work = Array.from({ length: 50 }, (_, n) =>
      db.query<{ n: number }>("SELECT $1::int AS n, pg_sleep(0.015)", [n]),
    );
    expect((await Promise.all(work)).map(({ rows }) => rows[0]?.n)).toEqual(Array.from({ length: 50 }, (_, n) => n));
    expect(db.getProviderStats()["main"]?.pool).toEqual({ total: 1, idle: 1, waiting: 0, max: 1 });
  });

  it("that stays busy is no fault of the provider", async () => {
    const db = manage(await server().createDatabase(), { poolSize: 1 }, { operationTimeoutMs: 300 });
    const busy = db.query("SELECT pg_sleep(0.8)", [], { timeoutMs: 4000 });
    const error = await failureOf(db.query("SELECT 1"));
    expect(error).toMatchObject({ code: "timeout", outcome: "not_applied", retryable: true });
    expect(error.message).toContain("none of the 1 connections became free in 300 ms");
    await busy;
    expect(db.getProviderStats()["main"]?.state).toBe("up");
  });

  it("waits for its own connections when the server takes no more", async () => {
    const own = await ownServer({
      max_connections: "3",
      superuser_reserved_connections: "0",
      reserved_connections: "0",
    });
    const db = manage(own.url(), { poolSize: 3 });
    const neighbour = manage(own.url(), { poolSize: 2 });
    const changes = changesOf(db);
    const sleep = "SELECT pg_sleep(0.8)";
    const busy = [db, neighbour, neighbour].map((manager) => manager.query(sleep, [], { timeoutMs: 4000 }));
    await until(() => expect(neighbour.getProviderStats()["main"]?.pool).toMatchObject({ total: 2, waiting: 0 }));
    await until(() => expect(db.getProviderStats()["main"]?.pool).toMatchObject({ total: 1, waiting: 0 }));
    expect((await db.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    expect(changes).toEqual(["unknown up"]);
    await Promise.all(busy);
  });
});

describe("the state of a provider", () => {
  it("is read-only after a write that was refused for that, until a check says otherwise", async () => {
    const url = await server().createDatabase();
    const db = manage(url, { poolSize: 1 });
    await db.query("CREATE TABLE t (id int)");
    await db.query("SET default_transaction_read_only = on");
    expect(await failureOf(db.query("INSERT INTO t VALUES (1)"))).toMatchObject({
      code: "unavailable",
      sqlState: "25006",
    });
    await db.query("SELECT 1");
    expect(db.getProviderStats()["main"]?.state).toBe("read-only");
    await db.query("SET default_transaction_read_only = off");
    expect(await db.healthCheck()).toBe(true);
    expect(db.getProviderStats()["main"]?.state).toBe("up");
  });

  it("is told to listeners until they are taken off, and one that throws harms nobody", async () => {
    const db = manage(await server().createDatabase());
    const heard: string[] = [];
    const listener = ({ provider, from, to }: StateChange): void => void heard.push(`${provider}: ${from} ${to}`);
    db.on("stateChange", listener);
    await db.query("SELECT 1");
    db.off("stateChange", listener);
    expect(heard).toEqual(["main: unknown up"]);
    expect(await failureOf(() => db.on(JSON.parse('"change"'), listener))).toMatchObject({ code: "invalid_input" });
  });
});
