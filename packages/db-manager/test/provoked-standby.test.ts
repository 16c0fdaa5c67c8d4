import { until } from "@rivet/local-servers";
import { execFile } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { PostgresServer } from "@rivet/local-servers";
import { describe, expect, it } from "vitest";
import {
  answered,
  CONTENDED,
  cut,
  expectFailure,
  longStatement,
  NO_DATABASE,
  READ_ONLY,
  statement,
} from "./provocation.ts";
import { manage, ownServer } from "./servers.ts";

const PATIENT = { statementTimeoutMs: 30_000 };

/** A server and one that follows it. */
async function pair(): Promise<{ primary: PostgresServer; standby: PostgresServer }> {
  const primary = await ownServer();
  const standby = await ownServer({
    primary_conninfo: `host=${primary.host} port=${primary.port} user=${primary.user} password=${primary.password}`,
    max_standby_streaming_delay: "0",
  });
  await Promise.all([primary.stop(), standby.stop()]);
  const [from, to] = [primary, standby].map(({ folder }) => join(folder, "data"));
  await rm(String(to), { recursive: true });
  await promisify(execFile)("cp", ["-a", String(from), String(to)]);
  await writeFile(join(String(to), "standby.signal"), "");
  await Promise.all([primary.start(), standby.start()]);
  return { primary, standby };
}

/** Waits until the standby has what the primary has. */
async function caughtUp(primary: PostgresServer): Promise<void> {
  const behind = "SELECT 1 FROM pg_stat_replication WHERE replay_lsn >= pg_current_wal_lsn()";
  await until(async () => expect(await primary.query(behind)).toHaveLength(1));
}

describe("a standby", { timeout: 120_000 }, () => {
  it("takes no writes, and ends what is in the way of what it follows", async () => {
    const { primary, standby } = await pair();
    await primary.createDatabase("dropped");
    await primary.query("CREATE TABLE t AS SELECT 1 AS id");
    await caughtUp(primary);
    const insert = statement("INSERT INTO t VALUES (1)");
    await expectFailure(manage(standby.url()), insert, answered("25006", "in a read-only transaction"), READ_ONLY);

    const reading = longStatement(standby, "FROM t");
    await Promise.all([
      expectFailure(
        manage(standby.url(), PATIENT),
        reading.work,
        answered("40001", "conflict with recovery"),
        CONTENDED,
      ),
      reading.untilRunning().then(() => primary.query("DROP TABLE t")),
    ]);

    const visiting = longStatement(standby);
    await Promise.all([
      expectFailure(manage(standby.url("dropped"), PATIENT), visiting.work, cut("57P04"), NO_DATABASE),
      visiting.untilRunning().then(() => primary.query("DROP DATABASE dropped")),
    ]);
  });
});
