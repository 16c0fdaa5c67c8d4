import { until } from "@rivet/local-servers";
import { describe, expect, it } from "vitest";
import {
  AGAIN,
  answered,
  CALLER,
  CONTENDED,
  cut,
  expectFailure,
  longStatement,
  NO_DATABASE,
  READ_ONLY,
  SELECT,
  SLOW,
  statement,
  unsent,
  UNREACHABLE,
  type Work,
} from "./provocation.ts";
import { manage, useServer } from "./servers.ts";

const server = useServer();
const PATIENT = { statementTimeoutMs: 30_000 };

/** An address whose sessions have a setting of their own. */
function urlWith(setting: string, url = server().url()): string {
  return `${url}?options=${encodeURIComponent(`-c ${setting}`)}`;
}

/** A database with the table `counters`, whose rows are those of two counters. */
async function withCounters(): Promise<string> {
  const url = await server().createDatabase();
  const db = manage(url);
  await db.query("CREATE TABLE counters (id int PRIMARY KEY, n int); INSERT INTO counters VALUES (1, 0), (2, 0)");
  return url;
}

const COUNT = (id: number): string => `UPDATE counters SET n = n + 1 WHERE id = ${id}`;

describe("a statement that takes too long", { timeout: 120_000 }, () => {
  it("for the server's timeout may be tried again, and its provider is suspect", async () => {
    const db = manage(urlWith("statement_timeout=20ms"), PATIENT);
    await expectFailure(db, longStatement(server()).work, answered("57014", "statement timeout"), SLOW);
  });

  it("for somebody who cancels it is the caller's", async () => {
    const { work, untilRunning } = longStatement(server());
    await Promise.all([
      expectFailure(manage(server().url(), PATIENT), work, answered("57014", "user request"), CALLER),
      untilRunning().then((pid) => server().query("SELECT pg_cancel_backend($1)", [pid])),
    ]);
  });

  it("for its transaction ends the session", async () => {
    const db = manage(urlWith("transaction_timeout=20ms"), PATIENT);
    await expectFailure(db, longStatement(server()).work, cut("25P04", "transaction timeout"), AGAIN);
  });
});

describe("a session that does nothing", { timeout: 120_000 }, () => {
  it("in a transaction is ended, and the transaction may be tried again", async () => {
    const db = manage(urlWith("idle_in_transaction_session_timeout=20ms"));
    const work: Work = (provider) =>
      provider.transaction(async (client) => {
        const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
        const alive = "SELECT 1 FROM pg_stat_activity WHERE pid = $1";
        await until(async () => expect(await server().query(alive, [rows[0]?.pid])).toEqual([]));
        await client.query("SELECT 1");
      });
    await expectFailure(db, work, { ...unsent("25P03"), isSent: true }, AGAIN);
  });

  it("at all is ended: nobody's fault, and no error of a call", async () => {
    const db = manage(urlWith("idle_session_timeout=20ms"));
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    db.on("error", ({ sqlState }) => resolve(sqlState));
    await db.query("SELECT 1");
    expect(await promise).toBe("57P05");
    expect(db.getProviderStats()["main"]).toMatchObject({ state: "up", lastError: { sqlState: "57P05" } });
    expect((await db.query("SELECT 1")).rowCount).toBe(1);
  });
});

describe("a session that only reads", { timeout: 120_000 }, () => {
  it("says so of its provider: 25006", async () => {
    const db = manage(urlWith("default_transaction_read_only=on"));
    await expectFailure(db, statement("CREATE TABLE t ()"), answered("25006", "in a read-only transaction"), READ_ONLY);
  });
});

describe("sessions in each other's way", { timeout: 120_000 }, () => {
  it.each([
    ["REPEATABLE READ", "could not serialize access due to concurrent update"],
    ["SERIALIZABLE", "could not serialize access due to read/write dependencies"],
  ])("cannot both be %s: 40001", async (level, message) => {
    const url = await withCounters();
    const [db, other] = [manage(url), manage(url)];
    const isWriteSkew = level === "SERIALIZABLE";
    const begin = `BEGIN ISOLATION LEVEL ${level}; SELECT sum(n) FROM counters`;
    const work: Work = (provider) =>
      provider.transaction(async (client) => {
        await client.query(`SET TRANSACTION ISOLATION LEVEL ${level}`);
        await client.query("SELECT sum(n) FROM counters");
        await other.query(`${begin}; ${COUNT(1)}; COMMIT`);
        await client.query(COUNT(isWriteSkew ? 2 : 1));
      });
    await expectFailure(db, work, answered("40001", message), CONTENDED);
  });

  it("deadlock: 40P01", async () => {
    const url = await withCounters();
    const holder = manage(url, PATIENT);
    const db = manage(urlWith("deadlock_timeout=1ms", url), PATIENT);
    const [isHeld, isHolding] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const held = holder.transaction(async (client) => {
      await client.query(COUNT(2));
      isHeld.resolve();
      await isHolding.promise;
      // Its own search for a deadlock starts later.
      await client.query(`SET deadlock_timeout = '30s'; ${COUNT(1)}`);
    });
    const work: Work = (provider) =>
      provider.transaction(async (client) => {
        await client.query(COUNT(1));
        await isHeld.promise;
        isHolding.resolve();
        const waiting = "SELECT 1 FROM pg_locks WHERE NOT granted";
        await until(async () => expect(await server().query(waiting)).toHaveLength(1));
        await client.query(COUNT(2));
      });
    await expectFailure(db, work, answered("40P01", "deadlock detected"), CONTENDED);
    await held;
  });

  it.each([
    ["NOWAIT", "SELECT n FROM counters FOR UPDATE NOWAIT", "could not obtain lock"],
    ["lock_timeout", `SET lock_timeout = '20ms'; ${COUNT(1)}`, "lock timeout"],
  ])("do not wait for a lock with %s: 55P03", async (_means, text, message) => {
    const url = await withCounters();
    await manage(url).transaction(async (client) => {
      await client.query(COUNT(1));
      await expectFailure(manage(url), statement(text), answered("55P03", message), CONTENDED);
    });
  });

  it.each([
    ["a table, by a cursor", "BEGIN; DECLARE c CURSOR FOR SELECT * FROM counters; DROP TABLE counters"],
    ["a database, by the session itself", "DROP DATABASE postgres"],
  ])("find in use %s: 55006", async (_what, text) => {
    const db = manage(server().url());
    await db.query("CREATE TABLE IF NOT EXISTS counters ()");
    await expectFailure(db, statement(text), answered("55006"), AGAIN);
  });
});

describe("a session that is ended", { timeout: 120_000 }, () => {
  it("under a statement may have applied it", async () => {
    const { work, untilRunning } = longStatement(server());
    await Promise.all([
      expectFailure(manage(server().url(), PATIENT), work, cut("57P01", "administrator command"), UNREACHABLE),
      untilRunning().then((pid) => server().query("SELECT pg_terminate_backend($1)", [pid])),
    ]);
  });

  it("because its database is dropped is met by the next, which finds none", async () => {
    const url = await server().createDatabase();
    const name = new URL(url).pathname.slice(1);
    const { work, untilRunning } = longStatement(server());
    await Promise.all([
      expectFailure(manage(url, PATIENT), work, cut("57P01"), UNREACHABLE),
      untilRunning().then(() => server().query(`DROP DATABASE ${name} WITH (FORCE)`)),
    ]);
    await expectFailure(manage(url), SELECT, unsent("3D000"), NO_DATABASE);
  });
});
