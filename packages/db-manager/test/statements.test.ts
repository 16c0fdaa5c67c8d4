import { scriptLines, startPgBouncer } from "@rivet/local-servers";
import { DatabaseError, DatabaseManager, type QueryOptions, type TextValues } from "@rivet/db-manager";
import { describe, expect, it, onTestFinished } from "vitest";
import { failureOf, manage, useServer } from "./servers.ts";

const server = useServer();

describe("query", () => {
  it("gives rows, their count, the command and the provider", async () => {
    const db = manage(await server().createDatabase());
    const result = await db.query<{ sum: number }>("SELECT $1::int + $2::int AS sum", [2, 3]);
    expect(result).toEqual({ rows: [{ sum: 5 }], rowCount: 1, command: "SELECT", provider: "main" });
  });

  it("gives the text of every value, and null, when asked to", async () => {
    const db = manage(await server().createDatabase());
    const statement = { name: "values", text: "SELECT 7 AS a, '{\"x\": 1.0}'::jsonb AS b, $1::text AS c, true AS d" };
    const { rows } = await db.query(statement, [null], { asText: true });
    expect(rows).toEqual([{ a: "7", b: '{"x": 1.0}', c: null, d: "t" }]);
    // The same prepared statement without it.
    expect((await db.query(statement, [null])).rows).toEqual([{ a: 7, b: { x: 1 }, c: null, d: true }]);
  });

  it("makes rows of the texts of their values", async () => {
    const db = manage(await server().createDatabase());
    const toRow = ([n, half]: TextValues): { n: number; half: string | null | undefined } => ({ n: Number(n), half });
    const text = "SELECT n, CASE WHEN n > 1 THEN n / 2.0 END FROM generate_series(1, $1::int) n";
    const rows = [
      { n: 1, half: null },
      { n: 2, half: "1.00000000000000000000" },
    ];
    expect(await db.query(text, [2], { toRow })).toMatchObject({ rows, rowCount: 2, command: "SELECT" });
    expect((await db.query({ name: "halves", text }, [2], { toRow })).rows).toEqual(rows);
    expect((await db.query(text.replace("$1", "2"), undefined, { toRow })).rows).toEqual(rows);
    expect((await db.transaction((client) => client.query(text, [2], { toRow }))).rows).toEqual(rows);
  });

  it("makes the rows anew when a statement is repeated", async () => {
    const db = manage(await server().createDatabase());
    await db.query("CREATE SEQUENCE rows_sent");
    const made: string[] = [];
    const toRow = ([n]: TextValues): { n: string } => {
      made.push(n ?? "");
      return { n: n ?? "" };
    };
    // Rows as long as this are not kept back until there are more.
    const text = `
      SELECT n, repeat('x', 20000), CASE WHEN nextval('rows_sent') = 4 THEN pg_terminate_backend(pg_backend_pid()) END
      FROM generate_series(1, $1::int) n`;
    const { rows } = await db.query(text, [5], { toRow, idempotent: true });
    expect(rows).toEqual(["1", "2", "3", "4", "5"].map((n) => ({ n })));
    expect(made.length).toBeGreaterThan(5);
  });

  it("fails a statement whose rows cannot be made, and goes on", async () => {
    const db = manage(await server().createDatabase(), { poolSize: 1 });
    let calls = 0;
    const toRow = (): never => {
      calls += 1;
      throw new RangeError("no row for this");
    };
    const error = await failureOf(db.query("SELECT generate_series(1, $1::int)", [3], { toRow }));
    expect(error).toMatchObject({ name: "DatabaseError", code: "query", retryable: false });
    expect(error.message).toContain("no row for this");
    expect(calls).toBe(1);
    expect((await db.query("SELECT 1 AS a")).rows).toEqual([{ a: 1 }]);
    expect(db.getProviderStats()["main"]?.state).toBe("up");
    const options: object = { toRow: "n" };
    expect(await failureOf(db.query("SELECT 1", [], options))).toMatchObject({ code: "invalid_input" });
  });

  it("gives the result of the last of several statements", async () => {
    const db = manage(await server().createDatabase());
    expect((await db.query("SELECT 1 AS a; SELECT 2 AS a")).rows).toEqual([{ a: 2 }]);
  });

  it("prepares named statements once on a connection", async () => {
    const db = manage(await server().createDatabase(), { poolSize: 1 });
    await db.query({ name: "one", text: "SELECT $1::int" }, [1]);
    await db.query({ name: "one", text: "SELECT $1::int" }, [2]);
    expect((await db.query("SELECT name FROM pg_prepared_statements")).rows).toEqual([{ name: "one" }]);
    expect(db.getProviderStats()["main"]?.statements).toBe("named");
  });

  it("prepares nothing when statements are unnamed", async () => {
    const db = manage(await server().createDatabase(), { poolSize: 1, statements: "unnamed" });
    await db.query({ name: "one", text: "SELECT $1::int" }, [1]);
    expect((await db.query("SELECT name FROM pg_prepared_statements")).rows).toEqual([]);
  });

  it("fails with the server's answer, which left nothing behind", async () => {
    const db = manage(await server().createDatabase());
    await db.query("CREATE TABLE machines (id int PRIMARY KEY)");
    await db.query("INSERT INTO machines VALUES (1)");
    const error = await failureOf(db.query("INSERT INTO machines VALUES (1)"));
    expect(error).toMatchObject({
      name: "DatabaseError",
      code: "query",
      sqlState: "23505",
      constraint: "machines_pkey",
      table: "machines",
      outcome: "not_applied",
      retryable: false,
      provider: "main",
      host: `127.0.0.1:${server().port}`,
    });
    expect(error.message).toContain(`main (127.0.0.1:${server().port}): duplicate key`);
    expect(await failureOf(db.query("SELECT nothing"))).toMatchObject({ code: "query", sqlState: "42703" });
    expect(db.getProviderStats()["main"]).toMatchObject({ state: "up", pool: { total: 1, idle: 1 } });
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ["a name of 64 bytes", () => manage("postgres://h").query({ name: "x".repeat(64), text: "" }), "statement.name"],
    ["no statement", () => manage("postgres://h").query(JSON.parse("null")), "statement"],
    ["values that are none", () => manage("postgres://h").query("SELECT 1", JSON.parse("{}")), "values"],
    ["65,536 values", () => manage("postgres://h").query("SELECT 1", Array.from({ length: 65_536 })), "values"],
    ["no time", () => manage("postgres://h").query("SELECT 1", [], { timeoutMs: 0 }), "options.timeoutMs"],
    ["no deadline", () => manage("postgres://h").run(async () => 1, { deadlineMs: NaN }), "options.deadlineMs"],
    ["no work", () => manage("postgres://h").transaction(JSON.parse("1")), "work"],
  ])("refuses %s before anything is sent", async (_what, work, path) => {
    expect(await failureOf(work)).toMatchObject({ code: "invalid_input", path, outcome: "not_applied" });
  });

  it("survives values that cannot be sent", async () => {
    const db = manage(await server().createDatabase(), { poolSize: 1 });
    const circular: Record<string, unknown> = {};
    circular["self"] = circular;
    const statement = { name: "json", text: "SELECT $1::text AS a" };
    expect((await failureOf(db.query(statement, [circular]))).code).toBe("query");
    expect((await db.query(statement, ["fine"])).rows).toEqual([{ a: "fine" }]);
  });
});

describe("transaction", () => {
  it("applies all or nothing, and passes the work's own error through", async () => {
    const db = manage(await server().createDatabase(), { poolSize: 1 });
    await db.query("CREATE TABLE t (id int PRIMARY KEY)");
    const mine = new Error("mine");
    const failed = db.transaction(async (client) => {
      await client.query("INSERT INTO t VALUES (1)");
      throw mine;
    });
    await expect(failed).rejects.toBe(mine);
    const count = await db.transaction(async (client) => {
      // Not awaited one by one: they run in turn.
      await Promise.all([client.query("INSERT INTO t VALUES (2)"), client.query("INSERT INTO t VALUES (3)")]);
      return (await client.query("SELECT id FROM t ORDER BY id")).rows;
    });
    expect(count).toEqual([{ id: 2 }, { id: 3 }]);
    expect(db.getProviderStats()["main"]?.pool).toMatchObject({ total: 1, idle: 1 });
  });

  it("sends one statement after the other, each with its own time", async () => {
    const db = manage(await server().createDatabase(), { statementTimeoutMs: 400 });
    const work = db.transaction((client) => Promise.all([1, 2, 3].map(() => client.query("SELECT pg_sleep(0.2)"))));
    expect((await work).map(({ rowCount }) => rowCount)).toEqual([1, 1, 1]);
  });

  it("does not pretend to have committed when a failed statement was hidden", async () => {
    const db = manage(await server().createDatabase());
    await db.query("CREATE TABLE t (id int PRIMARY KEY)");
    const hidden = db.transaction(async (client) => {
      await client.query("INSERT INTO t VALUES (1)");
      await client.query("SELECT nothing").catch(() => undefined);
    });
    expect(await failureOf(hidden)).toMatchObject({ code: "query", outcome: "not_applied" });
    expect((await db.query("SELECT * FROM t")).rows).toEqual([]);
  });

  it("refuses statements once it is over", async () => {
    const db = manage(await server().createDatabase());
    const client = await db.transaction(async (inner) => inner);
    expect(await failureOf(client.query("SELECT 1"))).toMatchObject({ code: "closed", outcome: "not_applied" });
  });

  it("runs again after a serialization failure, also when the work wrapped the error", async () => {
    const db = manage(await server().createDatabase());
    await db.query("CREATE TABLE counters (n int)");
    await db.query("INSERT INTO counters VALUES (0)");
    let runs = 0;
    await db.transaction(async (client) => {
      runs += 1;
      await client.query("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE");
      await client.query("SELECT n FROM counters");
      if (runs === 1) await db.query("UPDATE counters SET n = n + 1");
      await client.query("UPDATE counters SET n = n + 1").catch((error: unknown) => {
        throw new Error("wrapped", { cause: error });
      });
    });
    expect(runs).toBe(2);
    expect((await db.query("SELECT n FROM counters")).rows).toEqual([{ n: 2 }]);
  });
});

describe("run", () => {
  it("gives the provider, and repeats nothing unless the work is idempotent", async () => {
    const db = manage(await server().createDatabase());
    let runs = 0;
    const conflict = `DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$`;
    const work = db.run(async (provider) => {
      runs += 1;
      return provider.query(conflict);
    });
    expect(await failureOf(work)).toMatchObject({ sqlState: "40001", retryable: true, outcome: "not_applied" });
    expect(runs).toBe(1);
    const again = db.run(
      async (provider) => {
        runs += 1;
        if (runs < 4) await provider.query(conflict);
        return provider.transaction(async (client) => (await client.query("SELECT 1 AS one")).rows);
      },
      { idempotent: true },
    );
    expect(await again).toEqual([{ one: 1 }]);
    expect(runs).toBe(4);
  });

  it("ends by its deadline, whatever the work waits for", async () => {
    const db = manage(await server().createDatabase());
    const never = (): Promise<never> => new Promise(() => undefined);
    expect(await failureOf(db.run(never, { deadlineMs: 50 }))).toMatchObject({ code: "timeout" });
    expect(await failureOf(db.transaction(never, { deadlineMs: 50 }))).toMatchObject({ code: "timeout" });
    expect((await db.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  });
});

describe("several providers", () => {
  it("send their work to the preferred one, which can be changed", async () => {
    const [first, second] = [await server().createDatabase(), await server().createDatabase()];
    const db = manage(
      first,
      {},
      {
        providers: [
          { name: "one", connectionString: first },
          { name: "two", connectionString: second },
        ],
        primary: "two",
      },
    );
    expect([db.providerNames, db.provider]).toEqual([["one", "two"], "two"]);
    expect((await db.query("SELECT 1")).provider).toBe("two");
    db.setProvider("one");
    expect((await db.query("SELECT 1")).provider).toBe("one");
    expect(await failureOf(() => db.setProvider("three"))).toMatchObject({ code: "invalid_input" });
    expect(await db.healthCheckAll()).toEqual({ one: true, two: true });
  });
});

describe("a transaction pooler", () => {
  it("shares few connections among many, with statements that have no names", { timeout: 120_000 }, async () => {
    const pooler = await startPgBouncer({ target: server(), poolMode: "transaction", poolSize: 2 });
    onTestFinished(() => pooler[Symbol.asyncDispose]());
    const db = manage(`${pooler.url("postgres")}?pgbouncer=true`);
    expect(db.getProviderStats()["main"]?.statements).toBe("unnamed");
    const options: QueryOptions = { idempotent: true, timeoutMs: 5000 };
    const numbers = Array.from({ length: 100 }, (_, index) => index);
    const statement = { name: "number", text: "SELECT $1::int AS n" };
    const results = await Promise.all(numbers.map((n) => db.query<{ n: number }>(statement, [n], options)));
    expect(results.map(({ rows }) => rows[0]?.n)).toEqual(numbers);
    expect(await db.transaction(async (client) => (await client.query(statement, [7])).rows)).toEqual([{ n: 7 }]);
  });

  it("that nothing tells of costs repeats, and no error", { timeout: 120_000 }, async () => {
    const pooler = await startPgBouncer({ target: server(), poolMode: "transaction", poolSize: 1 });
    onTestFinished(() => pooler[Symbol.asyncDispose]());
    // Both prepare the same name on the one connection of the pooler.
    const [one, two] = [manage(pooler.url("postgres")), manage(pooler.url("postgres"))];
    const statement = { name: "shared", text: "SELECT $1::int AS n" };
    expect((await one.query(statement, [1])).rows).toEqual([{ n: 1 }]);
    expect((await two.query(statement, [2])).rows).toEqual([{ n: 2 }]);
    expect((await one.query(statement, [3])).rows).toEqual([{ n: 3 }]);
  });
});

describe("close", () => {
  it("waits for what is in flight, is final, and is the same for every call", async () => {
    const db = manage(await server().createDatabase(), { poolSize: 1 });
    const busy = [1, 2].map((n) => db.query("SELECT $1::int AS n, pg_sleep(0.1)", [n]));
    const closing = db.close();
    expect(db.close()).toBe(closing);
    for (const work of [db.query("SELECT 1"), db.transaction(async () => 1), db.run(async () => 1), db.healthCheck()]) {
      expect(await failureOf(work)).toMatchObject({ code: "closed", outcome: "not_applied" });
    }
    expect((await Promise.all(busy)).map(({ rowCount }) => rowCount)).toEqual([1, 1]);
    await closing;
    expect(db.getProviderStats()["main"]?.pool).toEqual({ total: 0, idle: 0, waiting: 0, max: 1 });
  });

  it("does not wait for ever", async () => {
    const db = manage(await server().createDatabase(), {}, { operationTimeoutMs: 200 });
    // Else it would still be connecting where a machine is busy.
    await db.query("SELECT 1", [], { timeoutMs: 30_000 });
    const busy = failureOf(db.query("SELECT pg_sleep(30)", [], { timeoutMs: 30_000 }));
    await db.close();
    expect(await busy).toMatchObject({ code: "closed", outcome: "unknown" });
  });

  it("may be forgotten: connections at rest keep no process alive", async () => {
    const script = new URL("processes/forgetful.ts", import.meta.url);
    expect(await scriptLines(script, [server().url()])).toEqual(['[{"one":1}]']);
  });

  it("happens at the end of a block", async () => {
    const url = await server().createDatabase();
    let kept: DatabaseManager | undefined;
    {
      await using db = new DatabaseManager({ providers: [{ name: "main", connectionString: url }] });
      await db.query("SELECT 1");
      kept = db;
    }
    await expect(kept.query("SELECT 1")).rejects.toSatisfy(DatabaseError.isInstance);
  });
});
