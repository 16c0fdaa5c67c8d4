import { SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { scriptLines, startProxy, until, type TcpProxy } from "@rivet/local-servers";
import { DatabaseManager } from "@rivet/db-manager";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { record, valuesOf } from "./recorder.ts";
import { failureOf, manage, useServer } from "./servers.ts";

const server = useServer();

function databaseOf(url: string): string {
  return new URL(url).pathname.slice(1);
}

/** The attributes of the server on every span and duration. */
function placeOf(url: string): Record<string, unknown> {
  return {
    "db.system.name": "postgresql",
    "db.namespace": databaseOf(url),
    "server.address": "127.0.0.1",
    "server.port": server().port,
    "rivet.provider": "main",
  };
}

/** Two ways to one database, the first through a proxy. */
async function twoProviders(): Promise<{ db: DatabaseManager; proxy: TcpProxy }> {
  const url = await server().createDatabase();
  const proxy = await startProxy(server());
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const providers = [
    { name: "first", connectionString: proxy.url(url) },
    { name: "second", connectionString: url },
  ];
  const db = new DatabaseManager({ providers });
  onTestFinished(() => db.close());
  return { db, proxy };
}

describe("a span", () => {
  it("tells of one statement: what the server did, where, and the text with its placeholders", async () => {
    const { spans } = record();
    const url = await server().createDatabase();
    const db = manage(url);
    const text = "WITH a AS (SELECT $1::int AS b) SELECT b FROM a";
    await db.query(text, [7]);
    await db.query({ name: "seven", text }, [7]);
    const [first, second] = spans();
    expect(first).toMatchObject({ name: `SELECT ${databaseOf(url)}`, kind: SpanKind.CLIENT });
    expect(first?.status.code).toBe(SpanStatusCode.UNSET);
    expect(first?.attributes).toEqual({ ...placeOf(url), "db.operation.name": "SELECT", "db.query.text": text });
    expect(second?.attributes).toEqual(first?.attributes);
  });

  it("has no text where values may be part of it", async () => {
    const { spans } = record();
    const url = await server().createDatabase();
    const db = manage(url);
    await db.query("SELECT 'hunter2'");
    await db.query("SELECT 'hunter2'", []);
    for (const span of spans()) expect(span.attributes).toEqual({ ...placeOf(url), "db.operation.name": "SELECT" });
    expect(spans()).toHaveLength(2);
  });

  it("is a child of the caller's, also in a transaction", async () => {
    const { spans } = record();
    const db = manage(await server().createDatabase());
    await trace.getTracer("caller").startActiveSpan("request", async (request) => {
      await db.query("SELECT 1");
      await db.transaction((client) => client.query("SELECT 2"));
      request.end();
    });
    const request = spans().at(-1);
    const statements = spans().slice(0, -1);
    expect(statements.map(({ name }) => name.split(" ")[0])).toEqual(["SELECT", "BEGIN", "SELECT", "COMMIT"]);
    for (const { parentSpanContext } of statements) {
      expect(parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
    }
  });

  it("of a refused statement is an error with its SQLSTATE", async () => {
    const { spans } = record();
    const url = await server().createDatabase();
    const db = manage(url);
    await failureOf(db.query("SELECT $1::int / 0", [1]));
    const [span] = spans();
    expect(span).toMatchObject({ name: databaseOf(url), status: { code: SpanStatusCode.ERROR } });
    expect(span?.attributes).toMatchObject({ "error.type": "22012", "db.response.status_code": "22012" });
  });

  it("of a statement that nobody answers is an error without a SQLSTATE", async () => {
    const { spans } = record();
    const db = manage(await server().createDatabase(), { statementTimeoutMs: 100 });
    await failureOf(db.query("SELECT pg_sleep(5)"));
    const [span] = spans();
    expect(span?.status.code).toBe(SpanStatusCode.ERROR);
    expect(span?.attributes["error.type"]).toBe("timeout");
    expect(span?.attributes).not.toHaveProperty("db.response.status_code");
  });

  it("is there for each attempt, with its provider", async () => {
    const { spans } = record();
    const { db, proxy } = await twoProviders();
    await db.query("SELECT 1");
    proxy.setMode("swallow-replies");
    await db.query("SELECT 2", [], { idempotent: true, hedge: true });
    await until(() => expect(spans()).toHaveLength(3));
    const told = spans().map(({ attributes, status }) => [attributes["rivet.provider"], status.code]);
    expect(told).toEqual([
      ["first", SpanStatusCode.UNSET],
      ["second", SpanStatusCode.UNSET],
      ["first", SpanStatusCode.ERROR],
    ]);
  });

  it("is no child of the caller's where it brings a provider back that failed the caller", async () => {
    const { spans } = record();
    const { db, proxy } = await twoProviders();
    db.addReturnGuard({ catchUp: async (provider) => void (await provider.query("SELECT 'caught up', $1::int", [1])) });
    await trace.getTracer("caller").startActiveSpan("request", async (request) => {
      proxy.setMode("refuse");
      await db.query("SELECT 1");
      request.end();
    });
    proxy.setMode("pass");
    await until(() => expect(spans()).toHaveLength(3));
    const [catchUp] = spans().filter(({ attributes }) => String(attributes["db.query.text"]).includes("caught up"));
    expect(catchUp?.attributes["rivet.provider"]).toBe("first");
    expect(catchUp?.parentSpanContext).toBeUndefined();
  });
});

describe("metrics", () => {
  it("have the duration of each statement in seconds", async () => {
    const { metric } = record();
    const url = await server().createDatabase();
    const db = manage(url);
    await db.query("SELECT $1::int", [1]);
    await db.query("SELECT $1::int", [2]);
    await failureOf(db.query("SELECT nothing"));
    const duration = await metric("db.client.operation.duration");
    expect(duration?.descriptor).toMatchObject({ type: "HISTOGRAM", unit: "s" });
    const boundaries = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
    const told = { sum: expect.any(Number), buckets: expect.objectContaining({ boundaries }) };
    const failed = { "error.type": "42703", "db.response.status_code": "42703" };
    expect(valuesOf(duration)).toEqual([
      [{ ...placeOf(url), "db.operation.name": "SELECT" }, expect.objectContaining({ ...told, count: 2 })],
      [{ ...placeOf(url), ...failed }, expect.objectContaining({ ...told, count: 1 })],
    ]);
  });

  it("have the connections in use and at rest, and who waits for one", async () => {
    const { metric } = record();
    const db = manage(await server().createDatabase(), { poolSize: 1 });
    const connections = async (): Promise<unknown> => valuesOf(await metric("db.client.connection.count"));
    const pool = { "db.client.connection.pool.name": "main" };
    const [idle, used] = ["idle", "used"].map((state) => ({ ...pool, "db.client.connection.state": state }));
    let waiting: Promise<unknown> | undefined;
    await db.transaction(async (client) => {
      await client.query("SELECT 1");
      waiting = db.query("SELECT 2");
      expect(await connections()).toEqual([
        [idle, 0],
        [used, 1],
      ]);
      expect(valuesOf(await metric("db.client.connection.pending_requests"))).toEqual([[pool, 1]]);
    });
    await waiting;
    expect(await connections()).toEqual([
      [idle, 1],
      [used, 0],
    ]);
    expect(valuesOf(await metric("db.client.connection.pending_requests"))).toEqual([[pool, 0]]);
  });

  it("have what a local journal holds for each provider, until it is removed", async () => {
    const { metric } = record();
    const db = manage(await server().createDatabase());
    let reads = 0;
    const remove = db.addBacklog(async () => {
      reads += 1;
      return [{ store: "main", atoms: 3, bytes: 500 }];
    });
    const main = { "rivet.provider": "main" };
    expect(valuesOf(await metric("rivet.journal.atoms"))).toEqual([[main, 3]]);
    expect(valuesOf(await metric("rivet.journal.size"))).toEqual([[main, 500]]);
    expect(reads).toBe(2);
    remove();
    await metric("rivet.journal.atoms");
    expect(reads).toBe(2);
  });

  it("have the state of each provider, until the manager is closed", async () => {
    const { metric } = record();
    const db = manage(await server().createDatabase());
    const current = async (): Promise<unknown> =>
      valuesOf(await metric("rivet.db.provider.state"))
        .filter(([, value]) => value === 1)
        .map(([attributes]) => attributes);
    const state = (name: string): unknown => [{ "rivet.provider": "main", "rivet.db.provider.state": name }];
    expect(await current()).toEqual(state("unknown"));
    await db.query("SELECT 1");
    expect(await current()).toEqual(state("up"));
    expect(valuesOf(await metric("rivet.db.provider.state"))).toHaveLength(10);
    const stats = vi.spyOn(db, "getProviderStats");
    await db.close();
    await metric("rivet.db.provider.state");
    expect(stats).not.toHaveBeenCalled();
  });

  it("count what went on to another provider, because the first failed", async () => {
    const { metric } = record();
    const { db, proxy } = await twoProviders();
    proxy.setMode("refuse");
    expect((await db.query("SELECT 1")).provider).toBe("second");
    expect(valuesOf(await metric("rivet.db.failovers"))).toEqual([[{ "rivet.provider": "first" }, 1]]);
    expect(valuesOf(await metric("rivet.db.hedges"))).toEqual([]);
  });

  it("count what another provider was asked for too, because the first was silent", async () => {
    const { metric } = record();
    const { db, proxy } = await twoProviders();
    await db.query("SELECT 1");
    proxy.setMode("swallow-replies");
    await db.query("SELECT 2", [], { idempotent: true, hedge: true });
    expect(valuesOf(await metric("rivet.db.hedges"))).toEqual([[{ "rivet.provider": "first" }, 1]]);
    expect(valuesOf(await metric("rivet.db.failovers"))).toEqual([]);
  });
});

describe("telemetry", () => {
  it("has no value, user or password", async () => {
    const { spans, everything } = record();
    await server().query("CREATE ROLE lovelace LOGIN PASSWORD 'hunter2'");
    await server().query("CREATE DATABASE lovelace");
    // Without a database in it, an address means the one that is named like the user.
    const address = new URL(server().url("postgres", "lovelace", "hunter2"));
    address.pathname = "";
    const db = manage(address.href);
    await db.query("SELECT $1::text", ["Analytical Engine"]);
    // The server's message quotes the value.
    const error = await failureOf(db.query("SELECT $1::text::int", ["Analytical Engine"]));
    expect(error.message).toContain("Analytical Engine");
    expect(spans().map(({ name }) => name)).toEqual([
      `SELECT 127.0.0.1:${server().port}`,
      `127.0.0.1:${server().port}`,
    ]);
    const told = await everything();
    expect(told).toContain("db.client.operation.duration");
    for (const secret of ["lovelace", "hunter2", "Analytical Engine"]) expect(told).not.toContain(secret);
  });

  it.each(["onStart", "onEnd"])("that throws in %s harms no operation", async (hook) => {
    let thrown = 0;
    const nothing = { onStart: () => {}, onEnd: () => {}, shutdown: async () => {}, forceFlush: async () => {} };
    record({
      ...nothing,
      [hook]: () => {
        thrown += 1;
        throw new Error("a fault of the application's SDK");
      },
    });
    const db = manage(await server().createDatabase());
    expect((await db.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    expect(await failureOf(db.query("SELECT nothing"))).toMatchObject({ sqlState: "42703" });
    expect(thrown).toBe(2);
  });

  it("is not there without an SDK, and is from the moment on that there is one", async () => {
    const db = manage(await server().createDatabase());
    expect((await db.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    const { spans } = record();
    expect(spans()).toEqual([]);
    await db.query("SELECT 2");
    expect(spans()).toHaveLength(1);
  });

  it.each(["imported", "required"])("needs no package: %s without it, all works", async (how) => {
    const script = new URL("processes/without-telemetry.ts", import.meta.url);
    const [line = ""] = await scriptLines(script, [how, server().url()]);
    expect(JSON.parse(line)).toEqual({ rows: [{ one: 1 }], missing: ["@opentelemetry/api"] });
  });
});
