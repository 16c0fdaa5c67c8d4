import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseManager } from "@rivet/db-manager";
import { decoyRuns, functionsCalledIn, plantDecoys, sharedServer } from "@rivet/local-servers";
import { replicate, Session, verify, type MemoryStorage } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";

const server = sharedServer({ beforeAll, afterAll });
const PACKAGES = join(import.meta.dirname, "../..");
const FUNCTIONS = functionsCalledIn(
  ["memory-postgres", "postgres-schema", "db-manager", "memory-cli"]
    .flatMap((name) => globSync(join(PACKAGES, name, "src/**/*.ts")))
    .map((file) => readFileSync(file, "utf8")),
);

/** Two providers in whose schema `public` a stranger has planted decoys. */
async function managerAmongDecoys(): Promise<DatabaseManager> {
  const names = ["one", "other"];
  const providers = [];
  for (const name of names) {
    providers.push({ name, connectionString: await server().createDatabase(name) });
    const planted = await plantDecoys(server(), FUNCTIONS, name);
    expect(planted.functions).toBeGreaterThan(20);
    expect(planted.operators).toBeGreaterThan(200);
  }
  const db = new DatabaseManager({ providers });
  onTestFinished(() => db.close());
  return db;
}

/** Everything that a session can go through. */
async function live(storage: MemoryStorage, sessionId: string): Promise<void> {
  const session = new Session({ sessionId, userId: "ada", storage, metadata: { plant: "north", shift: 1 } });
  for (let index = 0; index < 12; index++) session.addUserMessage(`message ${index}\0`);
  await session.save();
  session.setMetadata("plant", "south");
  session.deleteMetadata("shift");
  session.addAssistantMessage("answer");
  await session.save({ ifUnchanged: true });
  const [first] = session.history.messages();
  await storage.deleteMemoryAtoms(sessionId, [first?.id ?? ""]);
  const fact = { sessionId, userId: "ada", memoryType: "decision", content: { a: 1 } };
  await storage.saveMemoryAtoms([fact, { ...fact, createdAt: new Date(0) }, { ...fact, expiresAt: new Date(1) }]);
  await Promise.all(Array.from({ length: 8 }, (_, index) => storage.saveMemoryAtom({ ...fact, content: index })));
  const again = await storage.loadSession(sessionId, { userId: "ada" });
  again?.clearHistory();
  again?.addUserMessage("anew");
  await again?.save();
  await session.refresh();
}

async function read(storage: MemoryStorage, sessionId: string): Promise<void> {
  await storage.loadSession(sessionId, { lastMessages: 2 });
  const queries = [
    {},
    { sessionId },
    { userId: "ada", memoryType: "decision" },
    {
      memoryType: ["decision", "message_user"],
      before: storage.clock.next(),
      after: "01990000-0000-7000-8000-000000000000",
    },
  ];
  for (const query of queries) await storage.queryMemoryAtoms({ ...query, limit: 3 });
  for await (const _ of storage.atoms({ userId: "ada" })) continue;
  for await (const _ of storage.sessions()) continue;
  const [summary] = await storage.listSessions({ userId: "ada" });
  if (summary !== undefined) await storage.listSessions({ before: summary.lastAtomId });
}

describe("a stranger's functions and operators in the schema public", () => {
  it("run in no statement of a storage with two providers", async () => {
    const db = await managerAmongDecoys();
    const storage = new PostgresMemoryStorage({ db, local: false, acknowledge: 2 });
    onTestFinished(() => storage.close());
    await Promise.all(["a", "b", "c"].map((sessionId) => live(storage, sessionId)));
    await read(storage, "a");
    await storage.prune({ keepLast: 1 });
    await storage.deleteSession("c");
    await db.healthCheckAll();
    await storage.getReplicationStatus();
    await storage.locateAtoms("a", [storage.clock.next()]);
    expect(await storage.repair()).toMatchObject({ skipped: [] });
    await using copy = new SQLiteStorage(":memory:");
    await replicate(storage, copy);
    await copy.deleteSession("b");
    await replicate(copy, storage);
    for await (const difference of verify(storage, copy)) expect(difference).toBeUndefined();
    expect((await storage.deleteUser("ada")).sessions).toBe(1);
    expect(await Promise.all(db.providerNames.map((name) => decoyRuns(server(), name)))).toEqual([0, 0]);
  });

  it("run in no statement of the adoption of a table of the Python original", async () => {
    const name = "legacy";
    const connectionString = await server().createDatabase(name);
    await server().query(
      `CREATE TABLE session_memories (id uuid PRIMARY KEY, session_id text, user_id text, memory_type text, content jsonb, created_at timestamptz)`,
      [],
      name,
    );
    await server().query(
      `INSERT INTO session_memories VALUES (gen_random_uuid(), 's', 'ada', 'message_user',
        '{"role": "user", "content": "hello", "message_index": 0}', now())`,
      [],
      name,
    );
    await plantDecoys(server(), FUNCTIONS, name);
    await using storage = new PostgresMemoryStorage({ connectionString, local: false, partitions: 2 });
    expect((await storage.loadSession("s"))?.history.length).toBe(1);
    expect(await decoyRuns(server(), name)).toBe(0);
  });

  it("run where a statement does not name the schema, so that these tests would show it", async () => {
    const name = "bait";
    await server().createDatabase(name);
    await plantDecoys(server(), FUNCTIONS, name);
    const careless = ["SELECT * FROM unnest(ARRAY['a'])", "SELECT ARRAY['a'] || ARRAY['b']", "SELECT 1::bigint < 2.0"];
    for (const text of careless) await expect(server().query(text, [], name)).rejects.toThrow("decoy");
    expect(await decoyRuns(server(), name)).toBe(careless.length);
  });
});

describe("types in the temporary schema of a connection", () => {
  it("are in no statement of a storage", async () => {
    const name = "temporary";
    const connectionString = await server().createDatabase(name);
    await server().query("CREATE SEQUENCE decoy_runs", [], name);
    const db = new DatabaseManager({ providers: [{ name, connectionString, poolSize: 1 }] });
    onTestFinished(() => db.close());
    await using storage = new PostgresMemoryStorage({ db, local: false });
    await storage.open();
    for (const type of ["text", "uuid", "jsonb", "json", "timestamptz", "bool", "name", "oid"]) {
      await db.query(
        `CREATE DOMAIN pg_temp.${type} AS pg_catalog.${type} CHECK (pg_catalog.nextval('public.decoy_runs') IS NULL)`,
      );
    }
    await expect(db.query("SELECT 'a'::text")).rejects.toThrow("violates check constraint");
    await live(storage, "s");
    await read(storage, "s");
    await storage.prune({ keepLast: 1 });
    await db.healthCheckAll();
    await using copy = new SQLiteStorage(":memory:");
    await replicate(storage, copy);
    await copy.deleteSession("s");
    await replicate(copy, storage);
    await storage.deleteUser("ada");
    expect(await decoyRuns(server(), name)).toBe(1);
  });
});
