import { replicate, Session, verify, type MemoryStorage } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { clientOfUser, EMPTY_PROJECT, MIGRATION, sharedProject, storageForTest } from "./project.ts";

const ALICE = "a11ce000-0000-4000-8000-000000000001";
const project = sharedProject();

function direct(): PostgresMemoryStorage {
  const storage = new PostgresMemoryStorage({ connectionString: project().databaseUrl, local: false });
  onTestFinished(() => storage.close());
  return storage;
}

function rest(): MemoryStorage {
  return storageForTest({ url: project().url, key: project().keys.secret });
}

function laptop(): SQLiteStorage {
  const storage = new SQLiteStorage(":memory:");
  onTestFinished(() => storage.close());
  return storage;
}

async function heads(): Promise<unknown[]> {
  return project().server.query(
    "SELECT to_jsonb(head)::text AS head FROM rivet_public.session_heads AS head ORDER BY session_id",
  );
}

/** Everything that a session can go through. */
async function live(storage: MemoryStorage, sessionId: string): Promise<void> {
  const session = new Session({ sessionId, userId: ALICE, storage, metadata: { plant: "north", shift: 1 } });
  for (let index = 0; index < 5; index++) session.addUserMessage(`message ${index}\0`);
  await session.save();
  session.setMetadata("plant", "south");
  session.deleteMetadata("shift");
  session.addAssistantMessage("answer");
  await session.save();
  const [first] = session.history.messages();
  await storage.deleteMemoryAtoms(sessionId, [first?.id ?? ""]);
  await storage.saveMemoryAtom({
    sessionId,
    userId: ALICE,
    memoryType: "decision",
    content: { a: 1 },
    createdAt: new Date(0),
  });
  const [metadata] = await storage.queryMemoryAtoms({ sessionId, memoryType: "session_metadata" });
  await storage.deleteMemoryAtoms(sessionId, [metadata?.id ?? ""]);
  const again = await storage.loadSession(sessionId);
  again?.clearHistory();
  again?.addUserMessage("anew");
  await again?.save({ ifUnchanged: true });
}

async function differences(left: MemoryStorage, right: MemoryStorage): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const difference of verify(left, right)) found.push(difference);
  return found;
}

beforeEach(async () => {
  await project().server.query(
    "TRUNCATE rivet_public.session_memories, rivet_public.session_heads, rivet_public.session_tombstones, rivet_public.replication_hints, rivet_public.replication_peers",
  );
});

describe("a direct connection", () => {
  it.each<[string, () => MemoryStorage, () => MemoryStorage]>([
    ["what REST wrote, PostgreSQL reads", rest, direct],
    ["what PostgreSQL wrote, REST reads", direct, rest],
  ])("and the API have the same memory: %s, and goes on with it", async (_, writing, reading) => {
    const [writer, reader] = [writing(), reading()];
    await live(writer, "s");
    await live(writer, "deleted");
    await writer.deleteSession("deleted");
    expect(await differences(writer, reader)).toEqual([]);
    const [loaded, same] = [await reader.loadSession("s"), await writer.loadSession("s")];
    expect(loaded?.toJSON()).toEqual(same?.toJSON());
    loaded?.addUserMessage("from the other side");
    loaded?.setMetadata("plant", "east");
    await loaded?.save({ ifUnchanged: true });
    expect(await same?.refresh().then(() => same.metadata)).toMatchObject({ plant: "east" });
    await expect(
      reader.saveMemoryAtom({ sessionId: "deleted", userId: ALICE, memoryType: "log", content: 1 }),
    ).rejects.toMatchObject({
      code: "not_found",
    });
  });

  it("and the API leave the same heads after the same operations", async () => {
    await live(direct(), "one");
    await live(rest(), "two");
    const [one, two] = await project().server.query(
      `SELECT user_id, message_count, atom_count, deletion_count, metadata FROM rivet_public.session_heads ORDER BY session_id`,
    );
    expect(two).toEqual(one);
    // They are also what the atoms say, which digests compare.
    await using copy = laptop();
    await replicate(rest(), copy);
    const digests = await Promise.all([copy, rest(), direct()].map(({ replica }) => replica.rangesAfter("", 10, 10)));
    expect(digests).toEqual([digests[0], digests[0], digests[0]]);
    const summaries = await Promise.all([copy, rest(), direct()].map((storage) => storage.listSessions()));
    expect(summaries).toEqual([summaries[0], summaries[0], summaries[0]]);
  });

  it("and the API append to one session at the same time, and lose nothing", async () => {
    const storages = [direct(), rest(), direct(), rest()];
    const saves = storages.flatMap((storage, writer) =>
      Array.from({ length: 20 }, (_, index) =>
        storage.saveMemoryAtom({ sessionId: "s", userId: ALICE, memoryType: "log", content: [writer, index] }),
      ),
    );
    await Promise.all(saves);
    expect(await rest().queryMemoryAtoms({ sessionId: "s" })).toHaveLength(80);
    expect(await project().server.query("SELECT atom_count FROM rivet_public.session_heads")).toEqual([
      { atom_count: 80 },
    ]);
  });

  it("that deletes tells the user's own client what is gone", async () => {
    const user = storageForTest({ client: clientOfUser(project(), ALICE) });
    const session = new Session({ userId: ALICE, storage: user });
    session.addUserMessage("first");
    session.addUserMessage("second");
    await session.save();
    const [first] = session.history.messages();
    await direct().deleteMemoryAtoms(session.sessionId, [first?.id ?? ""]);
    await session.refresh();
    expect(session.history.messages().map(({ content }) => content)).toEqual(["second"]);
    await direct().deleteSession(session.sessionId);
    await expect(session.refresh()).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("replicate", () => {
  it("copies a laptop's memory into the project and back, deletions too, and nothing the second time", async () => {
    const [source, copy] = [laptop(), laptop()];
    for (const name of ["a", "b", "c"]) await live(source, name);
    await source.deleteSession("c");
    expect((await replicate(source, rest())).copied).toBeGreaterThan(0);
    expect(await replicate(source, rest())).toEqual({ sessions: 0, copied: 0, removed: 0 });
    expect(await differences(source, rest())).toEqual([]);
    await replicate(rest(), copy);
    expect(await differences(source, copy)).toEqual([]);
  });
});

describe("hints for other stores", () => {
  const hints = (): Promise<unknown[]> =>
    project().server.query(
      "SELECT target, session_id, is_tombstone FROM rivet_public.replication_hints ORDER BY id, is_tombstone",
    );
  const work = async (storage: MemoryStorage): Promise<void> => {
    const atom = { sessionId: "s", userId: ALICE, memoryType: "log", content: 1 };
    const { id } = await storage.saveMemoryAtom(atom);
    await storage.saveMemoryAtom({ ...atom, content: 2 });
    await storage.deleteMemoryAtoms("s", [id]);
    await storage.deleteSession("s");
  };

  it("are left by nobody where no other store is known", async () => {
    await work(rest());
    expect(await hints()).toEqual([]);
  });

  it.each<[string, () => MemoryStorage]>([
    ["a server", rest],
    ["a user", () => storageForTest({ client: clientOfUser(project(), ALICE) })],
  ])("are left by %s in the request that writes, where a direct connection replicates", async (_, storage) => {
    await project().server.query("INSERT INTO rivet_public.replication_peers (name) VALUES ('neon')");
    await work(storage());
    const hint = { target: "*", session_id: "s" };
    expect(await hints()).toEqual([
      { ...hint, is_tombstone: true },
      { ...hint, is_tombstone: false },
      { ...hint, is_tombstone: true },
      { ...hint, is_tombstone: false },
    ]);
  });

  it("are left by each save of a session", async () => {
    await project().server.query("INSERT INTO rivet_public.replication_peers (name) VALUES ('neon')");
    const session = new Session({ userId: ALICE, storage: rest() });
    for (const text of ["first", "second"]) {
      session.addUserMessage(text);
      await session.save();
      const [hinted, stored] = await Promise.all(
        ["replication_hints", "session_memories"].map((table) =>
          project().server.query(`SELECT session_id, id FROM rivet_public.${table} ORDER BY id`),
        ),
      );
      expect(hinted).toEqual(stored);
    }
  });
});

describe("the migration", () => {
  it("may be applied again, and to tables that a direct connection has made", async () => {
    await live(rest(), "s");
    const before = await heads();
    await project().apply(MIGRATION);
    expect(await heads()).toEqual(before);

    await project().server.query(EMPTY_PROJECT);
    await live(direct(), "s");
    await project().apply(MIGRATION);
    await project().postgrest.restart();
    expect((await rest().loadSession("s"))?.history.length).toBe(1);
  });
});
