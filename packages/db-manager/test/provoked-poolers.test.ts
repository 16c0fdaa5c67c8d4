import { until, startPgBouncer, type PgBouncer, type PgBouncerOptions } from "@rivet/local-servers";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  AGAIN,
  answered,
  CALLER,
  cut,
  expectFailure,
  longStatement,
  NO_CONNECTION_IN_TIME,
  NO_DATABASE,
  REFUSED,
  SATURATED,
  SELECT,
  SILENT,
  statement,
  unsent,
  UNREACHABLE,
  UNTRUSTED,
  type Work,
} from "./provocation.ts";
import { manage, ownServer, TERMINATE_ALL, useServer } from "./servers.ts";

const server = useServer();
/** Later versions of PgBouncer answer with the code that PostgreSQL would give. */
const CODE: string = expect.stringMatching(/^(08P01|28P01|3D000)$/);

async function pooler(options: Partial<PgBouncerOptions> = {}): Promise<PgBouncer> {
  const settings = { admin_users: server().user, ...options.settings };
  const started = await startPgBouncer({ target: server(), ...options, settings });
  onTestFinished(() => started[Symbol.asyncDispose]());
  return started;
}

/** For statements that are cut short by what happens to the pooler. */
const PATIENT = { statementTimeoutMs: 30_000 };

describe("PgBouncer refuses", { timeout: 120_000 }, () => {
  it("a wrong password, an unknown user, and none", async () => {
    const url = new URL((await pooler()).url());
    const failures: [string, string, ReturnType<typeof unsent>][] = [
      [server().user, "wrong", unsent(CODE, "authentication failed")],
      ["nobody", "wrong", unsent(CODE, "authentication failed")],
      [server().user, "", unsent(undefined, "SASL")],
    ];
    for (const [user, password, circumstances] of failures) {
      Object.assign(url, { username: user, password });
      await expectFailure(manage(url.href), SELECT, circumstances, REFUSED);
    }
  });

  it("a database that its server does not have, and the next one until it asks again", async () => {
    const url = (await pooler()).url("nothing");
    await expectFailure(manage(url), SELECT, unsent(CODE, "does not exist"), NO_DATABASE);
    const next = manage(url, { connectTimeoutMs: 100 });
    await expectFailure(next, SELECT, unsent(undefined, "timeout expired"), NO_CONNECTION_IN_TIME);
  });

  it("a database that it does not serve, and one that was disabled", async () => {
    const own = await pooler({ database: "postgres" });
    await expectFailure(manage(own.url("other")), SELECT, unsent(CODE, "no such database"), NO_DATABASE);
    await manage(own.url("pgbouncer")).query("DISABLE postgres");
    await expectFailure(manage(own.url()), SELECT, unsent(CODE, "is disabled"), UNTRUSTED);
  });

  it("a parameter that it does not track: our configuration", async () => {
    const url = `${(await pooler()).url()}?options=-c%20statement_timeout%3D5`;
    const circumstances = unsent("08P01", "unsupported startup parameter");
    await expectFailure(manage(url), SELECT, circumstances, { ...CALLER, code: "invalid_input" });
  });

  it("more clients than it may have", async () => {
    const url = (await pooler({ settings: { max_client_conn: "1" } })).url();
    await manage(url).query("SELECT 1");
    const circumstances = unsent("08P01", "no more connections allowed");
    await expectFailure(manage(url), SELECT, circumstances, SATURATED);
  });
});

describe("PgBouncer ends", { timeout: 120_000 }, () => {
  it("the wait for one of its connections", async () => {
    const url = (await pooler({ poolSize: 1, settings: { query_wait_timeout: "1" } })).url();
    await manage(url).transaction(async (client) => {
      await client.query("SELECT 1");
      const circumstances = cut("08P01", "query_wait_timeout");
      await expectFailure(manage(url, PATIENT), SELECT, circumstances, SATURATED);
    });
  });

  it("a statement that takes too long", async () => {
    const url = (await pooler({ settings: { query_timeout: "1" } })).url();
    await expectFailure(manage(url, PATIENT), longStatement(server()).work, cut("08P01", "query timeout"), SILENT);
  });

  it("a transaction that does nothing", async () => {
    const url = (await pooler({ settings: { idle_transaction_timeout: "1" } })).url();
    const db = manage(url, PATIENT);
    const work: Work = (provider) =>
      provider.transaction(async (client) => {
        await client.query("SELECT 1");
        const idle = "SELECT 1 FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'";
        await until(async () => expect(await server().query(idle)).toHaveLength(0));
        await client.query("SELECT 1");
      });
    const circumstances = { ...unsent("08P01", "idle transaction timeout"), isSent: true };
    await expectFailure(db, work, circumstances, AGAIN);
  });

  it("what was under way in a database that is taken out of it", async () => {
    const own = await pooler();
    const [db, admin] = [manage(own.url(), PATIENT), manage(own.url("pgbouncer"))];
    const { work, untilRunning } = longStatement(server());
    await Promise.all([
      expectFailure(db, work, cut("08P01", "database removed"), UNREACHABLE),
      untilRunning().then(() => admin.query("KILL postgres")),
    ]);
  });

  it("everything when it is shut down", async () => {
    const own = await pooler();
    const [db, admin] = [manage(own.url(), PATIENT), manage(own.url("pgbouncer"))];
    const { work, untilRunning } = longStatement(server());
    await Promise.all([
      expectFailure(db, work, cut(undefined, "Connection terminated unexpectedly"), UNREACHABLE),
      untilRunning().then(() => admin.query("SHUTDOWN").catch(() => undefined)),
    ]);
    await expectFailure(manage(own.url()), SELECT, unsent("ECONNREFUSED"), UNREACHABLE);
  });
});

describe("PgBouncer passes on", { timeout: 120_000 }, () => {
  it("that the server ended the session", async () => {
    const url = (await pooler()).url();
    const work = statement("SELECT pg_terminate_backend(pg_backend_pid())");
    await expectFailure(manage(url), work, cut("57P01"), UNREACHABLE);
  });

  it("prepared statements of other clients, and none of one's own", async () => {
    const url = (await pooler({ poolSize: 1 })).url();
    const prepare = statement("PREPARE shared AS SELECT 1");
    const [one, two] = [manage(url), manage(url)];
    await one.run(prepare);
    await expectFailure(two, prepare, answered("42P05", "already exists"), AGAIN);
    await server().query(TERMINATE_ALL);
    await until(() => two.query("SELECT 1"));
    await expectFailure(two, statement("EXECUTE shared"), answered("26000", "does not exist"), AGAIN);
  });

  it("that its server crashed, and once it has tried, that it cannot reach it", async () => {
    const own = await ownServer();
    const url = (await pooler({ target: own })).url();
    const { work, untilRunning } = longStatement(own);
    await Promise.all([
      expectFailure(manage(url, PATIENT), work, cut("08P01", "server conn crashed?"), UNREACHABLE),
      untilRunning().then(() => own.stop("immediate")),
    ]);
    const first = manage(url, { statementTimeoutMs: 300 });
    await expectFailure(first, SELECT, cut("RIVET_NO_ANSWER", "no answer in 300 ms"), SILENT);
    await expectFailure(manage(url), SELECT, cut("08P01", "server_login_retry"), UNREACHABLE);
  });
});
