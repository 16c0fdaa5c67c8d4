import { expect, it, vi } from "vitest";
import { failureOf, manage, useServer } from "./servers.ts";

const server = useServer();
const LEVEL = "SELECT current_setting('transaction_isolation') AS level";

async function serializable(): Promise<string> {
  const address = await server().createDatabase();
  const name = decodeURIComponent(new URL(address).pathname.slice(1));
  await server().query(`ALTER DATABASE "${name}" SET default_transaction_isolation = 'serializable'`);
  return address;
}

it("a transaction runs at the level that it asks for, and else at the database's", async () => {
  const db = manage(await serializable());
  const levelOf = async (isolation?: "read committed" | "repeatable read"): Promise<unknown> =>
    (await db.transaction((client) => client.query(LEVEL), { isolation })).rows[0];
  expect(await levelOf("read committed")).toEqual({ level: "read committed" });
  expect(await levelOf("repeatable read")).toEqual({ level: "repeatable read" });
  expect(await levelOf()).toEqual({ level: "serializable" });
  const wrong: unknown = "loose; DROP TABLE t";
  const error = await failureOf(db.transaction(async () => 1, { isolation: wrong as "serializable" }));
  expect(error).toMatchObject({ code: "invalid_input", path: "options.isolation" });
});

it("a statement that asks for read committed is repeated at that level after a serialization failure, and others stay as they are", async () => {
  const db = manage(await serializable());
  await db.query("CREATE TABLE counter (id int PRIMARY KEY, value int); INSERT INTO counter VALUES (1, 0)");
  const add = "UPDATE counter SET value = value + 1 WHERE id = 1";
  const options = { isolation: "read committed", timeoutMs: 20_000 } as const;
  const waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
  let second: Promise<unknown> | undefined;
  const first = db.transaction(
    async (client) => {
      await client.query(add);
      second = db.query(add, [], options);
      // The second one's snapshot is then older than the change that it waits for.
      await vi.waitFor(async () => expect((await db.query(waiting)).rows).toHaveLength(1), 20_000);
    },
    { deadlineMs: 30_000 },
  );
  await first;
  await second;
  expect((await db.query("SELECT value FROM counter")).rows).toEqual([{ value: 2 }]);
  expect((await db.query(LEVEL, [], options)).rows).toEqual([{ level: "read committed" }]);
  expect((await db.query(LEVEL)).rows).toEqual([{ level: "serializable" }]);
});
