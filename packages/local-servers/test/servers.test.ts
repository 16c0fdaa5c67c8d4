import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import pg from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  runScript,
  scriptLines,
  startPgBouncer,
  startPostgres,
  startProxy,
  type PostgresServer,
} from "../src/index.ts";

async function serverForTest(settings: Record<string, string> = {}): Promise<PostgresServer> {
  const server = await startPostgres({ settings });
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on("error", () => undefined);
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const isOpen = await Promise.race([
    once(socket, "connect").then(() => true),
    once(socket, "error").then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return isOpen;
}

describe("a PostgreSQL server", () => {
  it.each(["fast", "immediate", "kill"] as const)("keeps its data over a stop by %s", async (mode) => {
    const server = await serverForTest();
    const url = await server.createDatabase("a name with spaces");
    await server.query("CREATE TABLE kept (value int)", [], "a name with spaces");
    await server.query("INSERT INTO kept VALUES ($1)", [7], "a name with spaces");
    await server.stop(mode);
    expect(await isListening(server.port)).toBe(false);
    await server.start();
    expect((await (await connected(url)).query("SELECT value FROM kept")).rows).toEqual([{ value: 7 }]);
  });

  it("stands beside others, each with its own settings", async () => {
    const [left, right] = await Promise.all([serverForTest({ max_connections: "11" }), serverForTest()]);
    expect(await left.query("SHOW max_connections")).toEqual([{ max_connections: "11" }]);
    expect(await right.query("SHOW fsync")).toEqual([{ fsync: "on" }]);
    expect(await right.query("SELECT lower('ÄÖ') AS low")).toEqual([{ low: "äö" }]);
  });

  it("that does not start says why, and leaves nothing", async () => {
    const error: unknown = await startPostgres({ settings: { max_connections: "many" } }).catch((thrown) => thrown);
    expect(String(error)).toContain("max_connections");
    const folder = /\/\S+rivet-postgres-server-\w+/.exec(String(error))?.[0] ?? "";
    expect(folder).not.toBe("");
    expect(existsSync(folder)).toBe(false);
  });

  it("is gone once it was disposed of, however often", async () => {
    const server = await startPostgres();
    await server[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    expect(await isListening(server.port)).toBe(false);
    await expect(server.start()).rejects.toThrow("disposed");
  });

  // Whoever is not root sees this in every other test.
  it.runIf(process.getuid?.() === 0)("starts for a normal user as it does for root", { timeout: 120_000 }, async () => {
    const nobody = 65_534;
    const lines = await scriptLines(new URL("processes/holder.ts", import.meta.url), ["exit"], { uid: nobody });
    expect(lines).toHaveLength(1);
  });

  it.each(["exit", "throw", "SIGINT", "SIGKILL"] as const)(
    "ends with its process, by %s, and leaves no folder behind",
    { timeout: 120_000 },
    async (end) => {
      const run = runScript(new URL("processes/holder.ts", import.meta.url), [end]);
      let places: { ports: number[]; folders: string[] } = { ports: [], folders: [] };
      for await (const line of run.lines) {
        places = JSON.parse(line);
        if (end === "SIGINT" || end === "SIGKILL") run.child.kill(end);
      }
      await run.ended;
      expect(places.ports).toHaveLength(2);
      for (const folder of places.folders) await expect.poll(() => existsSync(folder), { timeout: 60_000 }).toBe(false);
      for (const port of places.ports) expect(await isListening(port)).toBe(false);
    },
  );
});

describe("PgBouncer", () => {
  it("hands out its connections by transaction, for every database of the server", { timeout: 120_000 }, async () => {
    const server = await serverForTest();
    await using bouncer = await startPgBouncer({ target: server, poolSize: 1 });
    const database = new URL(await server.createDatabase()).pathname.slice(1);
    const clients = await Promise.all(Array.from({ length: 3 }, () => connected(bouncer.url(database))));
    const pids = await Promise.all(clients.map((client) => client.query("SELECT pg_backend_pid() AS pid")));
    expect(new Set(pids.map(({ rows }) => rows[0].pid)).size).toBe(1);
    await Promise.all(clients.map((client) => client.end()));
  });
});

describe("a proxy", () => {
  it("refuses, resets and passes again", async () => {
    const server = await serverForTest();
    await using proxy = await startProxy(server);
    const client = await connected(proxy.url(server.url()));
    expect((await client.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    const ended = new Promise((resolve) => client.once("end", resolve));
    proxy.setMode("refuse");
    await ended;
    await expect(connected(proxy.url(server.url()))).rejects.toThrow();
    proxy.setMode("pass");
    const again = await connected(proxy.url(server.url()));
    const reset = new Promise((resolve) => again.once("end", resolve));
    proxy.setMode("reset");
    await reset;
    await connected(proxy.url(server.url()));
  });

  it.each(["black-hole", "swallow-replies"] as const)(
    "lets %s swallow what is on its way, and such a connection stays silent",
    async (mode) => {
      const server = await serverForTest();
      await server.query("CREATE TABLE seen (value int)");
      await using proxy = await startProxy(server);
      const client = await connected(proxy.url(server.url()));
      proxy.setMode(mode);
      const inserting = client.query({ text: "INSERT INTO seen VALUES (1)", query_timeout: 300 } as pg.QueryConfig);
      await expect(inserting).rejects.toThrow("Query read timeout");
      const reached = mode === "swallow-replies" ? 1 : 0;
      expect(await server.query("SELECT value FROM seen")).toHaveLength(reached);
      proxy.setMode("pass");
      const next = client.query({ text: "SELECT 1", query_timeout: 300 } as pg.QueryConfig);
      await expect(next).rejects.toThrow("Query read timeout");
      await connected(proxy.url(server.url()));
    },
  );

  it("delays what is sent, and keeps its order when it passes again", async () => {
    const server = await serverForTest();
    await server.query("CREATE TABLE seen (value int)");
    await using proxy = await startProxy(server);
    const client = await connected(proxy.url(server.url()));
    proxy.setMode("delay", { delayMs: 400 });
    const inserting = client.query({ text: "INSERT INTO seen VALUES (1)", query_timeout: 200 } as pg.QueryConfig);
    await expect(inserting).rejects.toThrow("Query read timeout");
    proxy.setMode("pass");
    expect((await client.query("SELECT value FROM seen")).rows).toEqual([{ value: 1 }]);
  });

  it.each(["fair", "bloated"] as const)(
    "limits the speed of a link whose queue is %s, for all connections",
    async (queue) => {
      const server = await serverForTest();
      await using proxy = await startProxy(server);
      const clients = [await connected(proxy.url(server.url())), await connected(proxy.url(server.url()))];
      proxy.setMode("slow", { bytesPerSecond: 2 * 1024 * 1024, queue });
      const startMs = performance.now();
      const text = "x".repeat(512 * 1024);
      const answers = await Promise.all(clients.map((client) => client.query("SELECT length($1) AS length", [text])));
      expect(performance.now() - startMs).toBeGreaterThanOrEqual(490);
      expect(answers.map(({ rows }) => rows)).toEqual(clients.map(() => [{ length: text.length }]));
    },
  );
});
