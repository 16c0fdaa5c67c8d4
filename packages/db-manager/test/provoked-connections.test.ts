import { until } from "@rivet/local-servers";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PostgresServer } from "@rivet/local-servers";
import { describe, expect, it } from "vitest";
import {
  cut,
  expectFailure,
  longStatement,
  NO_DATABASE,
  REFUSED,
  SATURATED,
  SELECT,
  STARTING,
  unsent,
  UNREACHABLE,
} from "./provocation.ts";
import { manage, ownServer, useServer } from "./servers.ts";

const server = useServer();
const PATIENT = { statementTimeoutMs: 30_000 };

async function signal(to: PostgresServer, name: NodeJS.Signals): Promise<void> {
  const [pid] = (await readFile(join(to.folder, "data", "postmaster.pid"), "utf8")).split("\n");
  process.kill(Number(pid), name);
}

describe("a server refuses", { timeout: 120_000 }, () => {
  it("a wrong password, an unknown user, one who may not log in, and none", async () => {
    await server().query("CREATE ROLE locked PASSWORD 'secret'");
    const failures: [string, ReturnType<typeof unsent>][] = [
      [server().url("postgres", "postgres", "wrong"), unsent("28P01", "password authentication failed")],
      [server().url("postgres", "nobody", "wrong"), unsent("28P01", "password authentication failed")],
      [server().url("postgres", "locked", "secret"), unsent("28000", "not permitted to log in")],
      [server().url("postgres", "postgres", ""), unsent(undefined, "SASL")],
    ];
    for (const [url, circumstances] of failures) await expectFailure(manage(url), SELECT, circumstances, REFUSED);
  });

  it("who is not in its pg_hba.conf", async () => {
    const own = await ownServer();
    await writeFile(join(own.folder, "data", "pg_hba.conf"), "host all all ::1/128 scram-sha-256\n");
    await own.stop();
    await own.start();
    await expectFailure(manage(own.url()), SELECT, unsent("28000", "no pg_hba.conf entry"), REFUSED);
  });

  it("a database that it does not have", async () => {
    const nothing = manage(server().url("nothing"));
    await expectFailure(nothing, SELECT, unsent("3D000", "does not exist"), NO_DATABASE);
  });

  it("more connections than a role or a database may have", async () => {
    await server().query("CREATE ROLE limited LOGIN PASSWORD 'secret' CONNECTION LIMIT 0");
    const url = new URL(await server().createDatabase("limited"));
    Object.assign(url, { username: "limited", password: "secret" });
    await expectFailure(manage(url.href), SELECT, unsent("53300", "too many connections for role"), SATURATED);
    await server().query("ALTER ROLE limited CONNECTION LIMIT -1");
    await server().query("ALTER DATABASE limited CONNECTION LIMIT 0");
    await expectFailure(manage(url.href), SELECT, unsent("53300", "too many connections for database"), SATURATED);
  });

  it("more connections than it has itself, and those that it keeps for administrators", async () => {
    const own = await ownServer({ max_connections: "2", superuser_reserved_connections: "1", max_wal_senders: "0" });
    await own.query("CREATE ROLE ada LOGIN PASSWORD 'secret'");
    await manage(own.url()).query("SELECT 1");
    const reserved = unsent("53300", "remaining connection slots are reserved");
    await expectFailure(manage(own.url("postgres", "ada", "secret")), SELECT, reserved, SATURATED);
    await manage(own.url()).query("SELECT 1");
    const none = unsent("53300", "too many clients already");
    await expectFailure(manage(own.url()), SELECT, none, SATURATED);
  });
});

describe("a server that stops", { timeout: 120_000 }, () => {
  it("takes no more connections while it waits for the last", async () => {
    const own = await ownServer();
    const { work, untilRunning } = longStatement(own);
    const last = manage(own.url(), PATIENT);
    await Promise.all([
      expectFailure(last, work, cut(undefined, "Connection terminated unexpectedly"), UNREACHABLE),
      untilRunning().then(async () => {
        await signal(own, "SIGTERM");
        const refused = unsent("57P03", "the database system is shutting down");
        await until(() => expectFailure(manage(own.url()), SELECT, refused, STARTING));
        await own.stop("immediate");
      }),
    ]);
  });

  it("tells those who are connected, and is then not there", async () => {
    const own = await ownServer();
    const { work, untilRunning } = longStatement(own);
    const failure = expectFailure(manage(own.url(), PATIENT), work, cut("57P01"), UNREACHABLE);
    await Promise.all([failure, untilRunning().then(() => own.stop())]);
    await expectFailure(manage(own.url()), SELECT, unsent("ECONNREFUSED"), UNREACHABLE);
  });

  it("because one of its processes crashed ends all connections without an error of its own", async () => {
    const own = await ownServer();
    const [crashing, bystander] = [longStatement(own), longStatement(own)];
    const gone = cut(undefined, "Connection terminated unexpectedly");
    await Promise.all([
      expectFailure(manage(own.url(), PATIENT), crashing.work, gone, UNREACHABLE),
      expectFailure(manage(own.url(), PATIENT), bystander.work, gone, UNREACHABLE),
      Promise.all([crashing.untilRunning(), bystander.untilRunning()]).then(([pid]) => process.kill(pid, "SIGKILL")),
    ]);
  });
});

describe("a server that starts", { timeout: 120_000 }, () => {
  it("takes no connections while it recovers", async () => {
    const own = await ownServer({ hot_standby: "off" });
    await own.stop();
    const data = join(own.folder, "data");
    await writeFile(join(data, "standby.signal"), "");
    const started = own.start();
    const refused = unsent("57P03", "the database system is");
    await until(() => expectFailure(manage(own.url()), SELECT, refused, STARTING));
    await writeFile(join(data, "promote"), "");
    await signal(own, "SIGUSR1");
    await started;
    expect((await manage(own.url()).query("SELECT 1")).rowCount).toBe(1);
  });
});
