import { readFileSync } from "node:fs";
import {
  AtomClock,
  MemoryError,
  NIL_ID,
  ownerOf,
  replicate,
  Session,
  UNKNOWN_OWNER,
  xorIds,
  type AtomRow,
} from "@rivet/memory-core";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { SupabaseMemoryStorage } from "@rivet/memory-supabase";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import pg from "pg";
import { beforeEach, describe, expect, it } from "vitest";
import { clientOfUser, sharedProject, storageForTest, TABLES } from "./project.ts";

const ALICE = "a11ce000-0000-4000-8000-000000000001";
const BOB = "b0b00000-0000-4000-8000-000000000002";

// As if a project showed the tables nonetheless: the policies hold then too.
const project = sharedProject({ maxRows: 100, schemas: ["public", "rivet_public"] });

/** The tables themselves, over REST. */
type Tables = ReturnType<SupabaseClient["schema"]>;
const tablesOf = (client: SupabaseClient): Tables => client.schema("rivet_public");

/** All that is stored, as the owner of the database sees it. */
async function everything(): Promise<unknown> {
  const tables = TABLES.map(async (table) => [
    table,
    await project().server.query(`SELECT to_jsonb(row)::text AS row FROM rivet_public.${table} AS row ORDER BY 1`),
  ]);
  return Promise.all(tables);
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "done",
    (error: unknown) => (MemoryError.isInstance(error) ? error.code : String(error)),
  );
}

function storageOf(userId: string): SupabaseMemoryStorage {
  return storageForTest({ client: clientOfUser(project(), userId) });
}

function server(): SupabaseMemoryStorage {
  return storageForTest({ url: project().url, key: project().keys.secret });
}

async function sessionOf(userId: string, storage = storageOf(userId)): Promise<Session> {
  const session = new Session({ userId, storage, metadata: { plant: "north" } });
  session.addUserMessage("first");
  session.addAssistantMessage("second");
  await session.save();
  await storage.saveMemoryAtom({
    sessionId: session.sessionId,
    userId,
    memoryType: "decision",
    content: { of: userId },
  });
  return session;
}

function rowOf(sessionId: string, userId: string): AtomRow {
  const id = server().clock.next();
  return {
    sessionId,
    id,
    userId,
    memoryType: "log",
    content: '"x"',
    metadata: "{}",
    createdAtMs: 0,
    expiresAtMs: null,
  };
}

beforeEach(async () => {
  await project().server.query(
    "TRUNCATE rivet_public.session_memories, rivet_public.session_heads, rivet_public.session_tombstones, rivet_public.replication_hints, rivet_public.replication_peers, rivet_public.replication_dead_letters",
  );
});

describe("a user who has signed in", () => {
  it("does all that the storage can do with what is theirs", async () => {
    const storage = storageOf(ALICE);
    const session = await sessionOf(ALICE, storage);
    const { sessionId } = session;
    const [first] = session.history.messages();

    const loaded = await storage.loadSession(sessionId);
    expect(loaded?.history.length).toBe(2);
    expect((await storage.listSessions()).map((each) => each.sessionId)).toEqual([sessionId]);
    expect(await storage.queryMemoryAtoms({ memoryType: "decision" })).toHaveLength(1);
    expect(await collect(storage.atoms())).toHaveLength(4);
    expect(await storage.deleteMemoryAtoms(sessionId, [first?.id ?? ""])).toBe(1);

    session.setMetadata("plant", "south");
    session.addUserMessage("third");
    await session.save();
    expect(await codeOf(loaded?.save({ ifUnchanged: true }) ?? Promise.resolve())).toBe("done");
    loaded?.addUserMessage("late");
    expect(await codeOf(loaded?.save({ ifUnchanged: true }) ?? Promise.resolve())).toBe("conflict");
    await loaded?.refresh();
    expect(loaded?.history.messages().map(({ content }) => content)).toEqual(["second", "third", "late"]);

    session.clearHistory();
    session.addUserMessage("anew");
    await session.save();
    expect((await storage.loadSession(sessionId))?.history.length).toBe(1);
    expect(await storage.deleteSession(sessionId)).toBe(true);
    expect(await codeOf(session.refresh())).toBe("not_found");
    session.addUserMessage("too late");
    expect(await codeOf(session.save())).toBe("not_found");

    await sessionOf(ALICE, storage);
    expect(await storage.deleteUser(ALICE)).toMatchObject({ sessions: 1, messages: 2 });
    expect(await storage.listSessions()).toEqual([]);
  });

  it("goes on in a session all of whose atoms they have deleted", async () => {
    const storage = storageOf(ALICE);
    const session = new Session({ userId: ALICE, storage });
    session.addUserMessage("gone");
    await session.save();
    const ids = await storage.queryMemoryAtoms({ sessionId: session.sessionId });
    await storage.deleteMemoryAtoms(
      session.sessionId,
      ids.map(({ id }) => id),
    );
    session.addUserMessage("here");
    expect((await session.save()).written).toBe(1);
    expect(await storage.listSessions()).toHaveLength(1);
  });

  it("copies what they have on a laptop into the project, deletions too, and back", async () => {
    await using laptop = new SQLiteStorage(":memory:");
    const kept = new Session({ userId: ALICE, storage: laptop });
    kept.addUserMessage("from the laptop");
    await kept.save();
    await laptop.saveMemoryAtom({ sessionId: "gone", userId: ALICE, memoryType: "log", content: 1 });
    await laptop.deleteSession("gone");
    const storage = storageOf(ALICE);
    expect(await replicate(laptop, storage)).toMatchObject({ copied: 2, sessions: 2 });
    await using other = new SQLiteStorage(":memory:");
    await replicate(storage, other);
    expect((await other.loadSession(kept.sessionId))?.history.length).toBe(1);
    const again = { sessionId: "gone", userId: ALICE, memoryType: "log", content: 2 };
    expect(await codeOf(other.saveMemoryAtom(again))).toBe("not_found");
    expect(await codeOf(storage.saveMemoryAtom(again))).toBe("not_found");
  });
});

describe("another user who knows every id", () => {
  it("reads nothing, whatever they ask for", async () => {
    const { sessionId } = await sessionOf(ALICE);
    const deleted = await sessionOf(ALICE);
    await storageOf(ALICE).deleteSession(deleted.sessionId);
    const bob = storageOf(BOB);
    expect(await bob.loadSession(sessionId)).toBeNull();
    expect(await bob.loadSession(sessionId, { userId: ALICE })).toBeNull();
    expect(await bob.loadSession(sessionId, { lastMessages: 1 })).toBeNull();
    expect(await bob.listSessions()).toEqual([]);
    expect(await bob.listSessions({ userId: ALICE })).toEqual([]);
    expect(await bob.queryMemoryAtoms()).toEqual([]);
    expect(await bob.queryMemoryAtoms({ sessionId, memoryType: "decision" })).toEqual([]);
    expect(await bob.queryMemoryAtoms({ userId: ALICE })).toEqual([]);
    expect(await collect(bob.atoms({ sessionId }))).toEqual([]);
    expect(await collect(bob.sessions({ userId: ALICE }))).toEqual([]);
    for (const id of [sessionId, deleted.sessionId]) {
      expect(await bob.replica.tombstonesAfter(id, undefined, 10)).toEqual([]);
      expect(await bob.replica.atomsAfter(id, undefined, 10)).toEqual([]);
    }
    expect(await bob.replica.sessions({ after: "" }, 10)).toEqual([]);
  });

  it("changes and deletes nothing", async () => {
    const { sessionId, history } = await sessionOf(ALICE);
    const ids = history.messages().map(({ id }) => id);
    const bob = storageOf(BOB);
    const own = await sessionOf(BOB, bob);
    const before = await everything();

    const theirs = new Session({ userId: ALICE, sessionId, storage: bob });
    theirs.addUserMessage("in her name");
    expect(await codeOf(theirs.save())).toBe("permission");
    const mine = new Session({ userId: BOB, sessionId, storage: bob });
    mine.addUserMessage("in her session");
    expect(await codeOf(mine.save())).toBe("permission");
    const inHerName = new Session({ userId: ALICE, storage: bob });
    inHerName.addUserMessage("a new session of hers");
    expect(await codeOf(inHerName.save())).toBe("permission");
    const late = { userId: ALICE, memoryType: "log", content: 1 };
    expect(await codeOf(bob.saveMemoryAtom({ ...late, sessionId: own.sessionId }))).toBe("permission");

    expect(await bob.deleteSession(sessionId)).toBe(false);
    expect(await bob.deleteSession(sessionId, { userId: ALICE })).toBe(false);
    expect(await bob.deleteMemoryAtoms(sessionId, ids)).toBe(0);
    expect(await bob.deleteUser(ALICE)).toMatchObject({ sessions: 0, atoms: 0 });

    const deletedAtMs = 0;
    const ofAlice = { owner: ownerOf(ALICE), deletedAtMs };
    const mergings = [
      { rows: [rowOf(sessionId, BOB)], tombstones: [] },
      { rows: [rowOf(sessionId, ALICE)], tombstones: [] },
      { rows: [rowOf("of nobody yet", ALICE)], tombstones: [] },
      { rows: [], tombstones: [{ sessionId, id: NIL_ID, ...ofAlice }] },
      { rows: [], tombstones: ids.map((id) => ({ sessionId, id, ...ofAlice })) },
      { rows: [], tombstones: [{ sessionId, id: NIL_ID, owner: ownerOf(BOB), deletedAtMs }] },
      { rows: [], tombstones: [{ sessionId: "of nobody yet", id: NIL_ID, ...ofAlice }] },
      { rows: [], tombstones: [{ sessionId: "of nobody yet", id: NIL_ID, owner: UNKNOWN_OWNER, deletedAtMs }] },
      { rows: [], tombstones: [{ sessionId: own.sessionId, id: NIL_ID, owner: UNKNOWN_OWNER, deletedAtMs }] },
    ];
    for (const facts of mergings) expect(await codeOf(bob.replica.merge(facts))).toBe("permission");
    expect(await everything()).toEqual(before);
  });

  it("buries, for ids that nobody has used, no more than what would be their own", async () => {
    const bob = storageOf(BOB);
    const [id = "", late = ""] = [server().clock.next(), server().clock.next()];
    const ofBob = { owner: ownerOf(BOB), deletedAtMs: 0 };
    await bob.replica.merge({
      rows: [],
      tombstones: [
        { sessionId: "free", id: NIL_ID, ...ofBob },
        { sessionId: "hers", id, ...ofBob },
        { sessionId: "hers", id: late, ...ofBob },
      ],
    });
    const alice = storageOf(ALICE);
    const log = { userId: ALICE, memoryType: "log" };
    await alice.saveMemoryAtoms([
      { ...log, sessionId: "free", content: 1 },
      { ...log, sessionId: "hers", id, content: 2 },
    ]);
    const session = new Session({ userId: ALICE, storage: alice, sessionId: "free" });
    session.addUserMessage("mine");
    await session.save();
    session.addUserMessage("and more");
    await session.save();
    await alice.saveMemoryAtom({ ...log, sessionId: "hers", id: late, content: 3 });
    expect(await alice.queryMemoryAtoms({ memoryType: "log" })).toHaveLength(3);
    expect((await alice.loadSession("free"))?.history.length).toBe(2);
    expect(await codeOf(bob.saveMemoryAtom({ ...log, userId: BOB, sessionId: "free", content: 1 }))).toBe("permission");
  });

  it("finds a session that was deleted, or emptied, closed", async () => {
    const alice = storageOf(ALICE);
    const deleted = await sessionOf(ALICE, alice);
    await alice.deleteSession(deleted.sessionId);
    await alice.saveMemoryAtom({ sessionId: "emptied", userId: ALICE, memoryType: "log", content: 1 });
    const [only] = await alice.queryMemoryAtoms({ sessionId: "emptied" });
    await alice.deleteMemoryAtoms("emptied", [only?.id ?? ""]);
    const write = (storage: SupabaseMemoryStorage, sessionId: string, userId: string): Promise<string> =>
      codeOf(storage.saveMemoryAtom({ sessionId, userId, memoryType: "log", content: 2 }));
    expect(await write(storageOf(BOB), deleted.sessionId, BOB)).toBe("not_found");
    expect(await write(storageOf(BOB), "emptied", BOB)).toBe("permission");
    expect(await write(alice, deleted.sessionId, ALICE)).toBe("not_found");
    expect(await write(alice, "emptied", ALICE)).toBe("done");
  });

  it("is refused among saves of their own, which go through", async () => {
    const { sessionId } = await sessionOf(ALICE);
    const storage = storageOf(BOB);
    const save = (id: string): Promise<string> =>
      codeOf(storage.saveMemoryAtom({ sessionId: id, userId: BOB, memoryType: "log", content: 1 }));
    expect(await Promise.all([save("one"), save(sessionId), save("another")])).toEqual(["done", "permission", "done"]);
    expect((await storage.listSessions()).map((each) => each.sessionId).toSorted()).toEqual(["another", "one"]);
  });

  it("cannot take the id of a session that was deleted", async () => {
    const session = await sessionOf(ALICE);
    await storageOf(ALICE).deleteSession(session.sessionId);
    const atom = { sessionId: session.sessionId, userId: BOB, memoryType: "log", content: 1 };
    expect(await codeOf(storageOf(BOB).saveMemoryAtom(atom))).toBe("not_found");
  });

  it("reaches nothing through the functions that the others are made of", async () => {
    const session = await sessionOf(ALICE);
    const { sessionId, history } = session;
    const ids = history.messages().map(({ id }) => id);
    const client = clientOfUser(project(), BOB);
    const before = await everything();
    const id = server().clock.next();
    const atomOf = (userId: string): object => ({
      id,
      user_id: userId,
      memory_type: "message_user",
      content: '"x"',
      metadata: "{}",
      created_at_ms: 0,
    });
    const foreseenHistoryXor = xorIds([session.toJSON().unsaved.historyXor, id]);
    const foreseen = (userId: string): object => ({ sessionId, userId, foreseenHistoryXor });
    const calls: [string, object][] = [
      ["rivet_lock_heads", { session_ids: [sessionId] }],
      ["rivet_lock_heads", { session_ids: ["of nobody yet"] }],
      ["rivet_apply_metadata", { session_ids: [sessionId], atom_ids: null }],
      ...[ALICE, BOB].flatMap((userId): [string, object][] => {
        const given = { given_session_id: sessionId, given_owner: `\\x${ownerOf(userId)}`, ids, times: null };
        const { given_owner } = given;
        return [
          ["rivet_bury_atoms", given],
          ["rivet_take_tombstones", given],
          ["rivet_take_tombstones", { ...given, given_session_id: "of nobody yet" }],
          ["rivet_take_tombstones", { ...given, ids: [NIL_ID] }],
          ["rivet_bury_sessions", { session_ids: [sessionId], times: null, given_owner }],
        ];
      }),
      ["rivet_bury_sessions", { session_ids: [sessionId], times: null, given_owner: null }],
      ["rivet_delete_atoms", { given_session_id: sessionId, given_user_id: null, ids: [NIL_ID] }],
      ["rivet_delete_atoms", { given_session_id: null, given_user_id: ALICE, ids }],
      ["rivet_append", { atoms: [], saved_session: { sessionId, userId: ALICE, foreseenHistoryXor: NIL_ID } }],
      ["rivet_append", { atoms: [atomOf(ALICE)], saved_session: foreseen(ALICE) }],
      ["rivet_append", { atoms: [atomOf(BOB)], saved_session: foreseen(BOB) }],
      ["rivet_append_together", { atoms: [{ session_id: sessionId, ...atomOf(ALICE) }] }],
      ["rivet_append_together", { atoms: [{ session_id: sessionId, ...atomOf(BOB) }] }],
      ["rivet_write_atoms", { atoms: [], saved_session: { sessionId, userId: ALICE, clearThroughId: ids[1] } }],
      ["rivet_write_atoms", { atoms: [], saved_session: { sessionId, userId: BOB, clearThroughId: ids[1] } }],
    ];
    // Every function is called as it is: one that is not found, or is given too little, would refuse nothing.
    for (const [name, args] of calls) expect((await client.rpc(name, args)).error?.code ?? "").not.toMatch(/^PGRST/);
    expect(await everything()).toEqual(before);
    // What is refused to the other is theirs to do.
    const own = { atoms: [atomOf(ALICE)], saved_session: foreseen(ALICE) };
    expect((await clientOfUser(project(), ALICE).rpc("rivet_append", own)).error).toBeNull();
    const ownToo = { atoms: [{ session_id: sessionId, ...atomOf(ALICE), id: server().clock.next() }] };
    expect((await clientOfUser(project(), ALICE).rpc("rivet_append_together", ownToo)).error).toBeNull();
  });
});

/** Operations on a table without the package. */
const DIRECT: readonly [string, (client: Tables, table: string, row: object) => PromiseLike<unknown>][] = [
  ["inserts", (client, table, row) => client.from(table).insert(row)],
  ["upserts", (client, table, row) => client.from(table).upsert(row)],
  ["updates", (client, table, row) => client.from(table).update(row).not("user_id", "is", null)],
  ["updates all", (client, table, row) => client.from(table).update(row)],
  ["deletes", (client, table) => client.from(table).delete().not("user_id", "is", null)],
  ["deletes all", (client, table) => client.from(table).delete()],
];

const ID = "01990000-0000-7000-8000-000000000000";
const BITS = `B'${"1".repeat(128)}'`.slice(2, -1);
const ROWS: Readonly<Record<(typeof TABLES)[number], object>> = {
  session_memories: { id: ID, memory_type: "log", content: 1, metadata: {}, created_at: "2026-01-01" },
  session_heads: {
    created_at: "2026-01-01",
    last_atom_id: ID,
    recency: ID.slice(0, 8),
    message_count: 7,
    atom_count: 7,
    deletion_count: 0,
    id_xor: BITS,
    history_xor: BITS,
    metadata: {},
    metadata_ids: {},
  },
  session_tombstones: { id: NIL_ID, owner: `\\x${ownerOf(ALICE)}`, deleted_at: "2026-01-01" },
  replication_hints: { target: "*", id: ID },
  replication_peers: { name: "elsewhere" },
  replication_dead_letters: { target: "x", id: ID, code: "x", message: "x", failed_at: "2026-01-01" },
  rivet_store: { store_uuid: ID, schema_version: 99, heartbeat: "2026-01-01" },
};

describe("one request", () => {
  const TOO_MANY = 10_001;

  it("that deletes, or brings deletions, of more than 10,000 ids is refused, and does nothing", async () => {
    const { sessionId } = await sessionOf(ALICE);
    const client = clientOfUser(project(), ALICE);
    const before = await everything();
    const ids = Array.from({ length: TOO_MANY }, () => server().clock.next());
    const deletion = await client.rpc("rivet_delete_atoms", { given_session_id: sessionId, ids });
    expect(deletion.error?.code).toBe("RM008");
    const owner = ownerOf(ALICE);
    const tombstones = ids.map((id) => ({ session_id: sessionId, id, owner, deleted_at_ms: 0 }));
    const merging = await client.rpc("rivet_write_atoms", { atoms: [], tombstones });
    expect(merging.error?.code).toBe("RM008");
    expect(await everything()).toEqual(before);
    const given = ids.map((id) => ({ sessionId, id, owner, deletedAtMs: 0 }));
    expect(await codeOf(storageOf(ALICE).replica.merge({ rows: [], tombstones: given }))).toBe("invalid_input");
  });

  it("takes 10,000 ids, and a call of the package with more makes several of them", async () => {
    const storage = storageOf(ALICE);
    const { sessionId, history } = await sessionOf(ALICE, storage);
    const ids = Array.from({ length: TOO_MANY }, () => server().clock.next());
    const [first, second] = history.messages().map(({ id }) => id);
    expect(await storage.deleteMemoryAtoms(sessionId, [first ?? "", ...ids, second ?? ""])).toBe(2);
    expect(await storage.loadSession(sessionId)).toMatchObject({ history: { length: 0 } });
  });
});

describe("what is left of a user who was erased", () => {
  it("has their id in no table, only its hash", async () => {
    const storage = storageOf(ALICE);
    const { sessionId } = await sessionOf(ALICE, storage);
    await storage.deleteSession(sessionId);
    const emptied = await storage.saveMemoryAtom({ sessionId: "e", userId: ALICE, memoryType: "log", content: 1 });
    await storage.deleteMemoryAtoms("e", [emptied.id]);
    await sessionOf(ALICE, storage);
    expect(JSON.stringify(await everything())).toContain(ALICE);
    await storage.deleteUser(ALICE);
    const left = JSON.stringify(await everything());
    expect(left).not.toContain(ALICE);
    expect(left).toContain(ownerOf(ALICE));
  });
});
/** A session of Alice's, and the version of its history. */
async function boundsSession(): Promise<{ sessionId: string; version: string }> {
  const { sessionId } = await sessionOf(ALICE);
  const [head] = await project().server.query(
    "SELECT lpad(to_hex(substring(history_xor FROM 1 FOR 64)::bigint), 16, '0') || lpad(to_hex(substring(history_xor FROM 65)::bigint), 16, '0') AS hex FROM rivet_public.session_heads",
  );
  return { sessionId, version: String(head?.["hex"]) };
}

describe("the tables, asked without the package", () => {
  it.each(TABLES)("%s shows a user their own rows at most", async (table) => {
    const { sessionId } = await sessionOf(ALICE);
    await sessionOf(BOB);
    await storageOf(ALICE).deleteMemoryAtoms(sessionId, [server().clock.next()]);
    await project().server.query("INSERT INTO rivet_public.replication_peers (name) VALUES ('neon')");
    const client = tablesOf(clientOfUser(project(), ALICE));
    const { data } = await client.from(table).select("*");
    const owners: Readonly<Record<string, string>> = {
      session_memories: ALICE,
      session_heads: ALICE,
      session_tombstones: `\\x${ownerOf(ALICE)}`,
    };
    expect(new Set((data ?? []).map((row: { user_id?: string; owner?: string }) => row.user_id ?? row.owner))).toEqual(
      new Set(owners[table] === undefined ? [] : [owners[table]]),
    );
    const ofBob = await tablesOf(clientOfUser(project(), BOB))
      .from(table)
      .select("*")
      .filter("session_id", "eq", sessionId);
    expect(ofBob.data ?? []).toEqual([]);
  });

  it.each(TABLES)("%s cannot be written to, not even one's own rows", async (table) => {
    await project().server.query("INSERT INTO rivet_public.replication_peers (name) VALUES ('neon')");
    const { sessionId } = await sessionOf(ALICE);
    await storageOf(ALICE).deleteMemoryAtoms(sessionId, [server().clock.next()]);
    const client = tablesOf(clientOfUser(project(), ALICE));
    const before = await everything();
    const ofAlice = table === "session_tombstones" ? {} : { user_id: ALICE };
    for (const [, write] of DIRECT) {
      for (const row of [
        { ...ROWS[table], session_id: sessionId, ...ofAlice },
        { ...ROWS[table], session_id: "of nobody yet", ...ofAlice },
        { ...ROWS[table], session_id: "of nobody yet" },
        ROWS[table],
      ]) {
        await write(client, table, row);
      }
    }
    expect(await everything()).toEqual(before);
  });

  it("take no atom whose id is of the far future, or is none", async () => {
    const client = clientOfUser(project(), ALICE);
    const idOf = (timeMs: number): string =>
      `${timeMs.toString(16).padStart(12, "0").slice(0, 8)}-${timeMs.toString(16).padStart(12, "0").slice(8)}-7000-8000-000000000000`;
    const write = async (id: string): Promise<string | undefined> => {
      const atom = {
        session_id: "s",
        id,
        user_id: ALICE,
        memory_type: "log",
        content: "1",
        metadata: "{}",
        created_at_ms: 0,
      };
      return (await client.rpc("rivet_write_atoms", { atoms: [atom] })).error?.code;
    };
    const day = 24 * 60 * 60 * 1_000;
    expect(await write(idOf(Date.now() + 2 * day))).toBe("42501");
    expect(await write("c56a4180-65aa-42ec-a945-5fd21dec0538")).toBe("42501");
    expect(await write(idOf(Date.now() + day + 60 * 1_000))).toBe("42501");
    expect(await write(idOf(Date.now() + day / 2))).toBeUndefined();
  });

  it("say in the error of the package which time an id has that is a day and a minute ahead", async () => {
    const aheadMs = Date.now() + 24 * 60 * 60 * 1_000 + 60_000;
    const client = clientOfUser(project(), ALICE);
    const storage = new SupabaseMemoryStorage({ client, clock: new AtomClock({ now: () => aheadMs }) });
    const error = await sessionOf(ALICE, storage).catch((reason: unknown) => reason);
    await storage.close();
    expect(error).toMatchObject({ code: "invalid_input", outcome: "not_applied" });
    expect(String(error)).toContain(new Date(aheadMs).toISOString());
  });

  it("take no name, time or JSON that the core would not take, by any function that writes", async () => {
    const client = clientOfUser(project(), ALICE);
    const { sessionId, version } = await boundsSession();
    const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
    const good = {
      session_id: sessionId,
      user_id: ALICE,
      memory_type: "log",
      content: "1",
      metadata: "{}",
      created_at_ms: 0,
    };
    const set = (value: string): object => ({
      memory_type: "session_metadata",
      content: `{"set":{"key":${value}},"removed":[]}`,
    });
    const outOfBounds: readonly object[] = [
      { content: nested(1_001) },
      { content: nested(12_000) },
      { content: nested(1_001).replaceAll("[", "[ ") },
      { metadata: `{"a":${nested(1_000)}}` },
      { memory_type: "" },
      { memory_type: "x".repeat(513) },
      { memory_type: "\u{1f600}".repeat(257) },
      { memory_type: "\u0010d800".repeat(513) },
      { memory_type: "a\u00100000" },
      { created_at_ms: 8_640_000_000_000_001 },
      { expires_at_ms: 9_000_000_000_000_000 },
      { content: JSON.stringify("x".repeat(17_000_000)) },
      set(nested(1_001)),
      set(JSON.stringify("x".repeat(17_000_000))),
    ];
    const before = await everything();
    for (const change of outOfBounds) {
      const atom = { ...good, id: new AtomClock().next(), ...change };
      const saved = { sessionId, userId: ALICE, foreseenHistoryXor: version };
      for (const [name, given] of [
        ["rivet_write_atoms", { atoms: [atom] }],
        ["rivet_append", { atoms: [atom], saved_session: saved }],
        ["rivet_append_together", { atoms: [atom] }],
      ] as const) {
        const { error } = await client.rpc(name, given);
        expect([name, JSON.stringify(change).slice(0, 60), error?.code]).toEqual([
          name,
          JSON.stringify(change).slice(0, 60),
          expect.toBeOneOf(["RM009", "22008"]),
        ]);
      }
    }
    for (const id of ["", "x".repeat(5_000)]) {
      const atom = { ...good, id: new AtomClock().next(), session_id: id };
      expect((await client.rpc("rivet_write_atoms", { atoms: [atom] })).error?.code).toBe("RM009");
    }
    expect(await everything()).toEqual(before);
    const within: readonly object[] = [
      { content: nested(1_000) },
      { content: JSON.stringify(nested(5_000)) },
      { memory_type: "x".repeat(512) },
      { memory_type: "\u{1f600}".repeat(256) },
      { memory_type: "\u0010d800".repeat(512) },
      { created_at_ms: 8_640_000_000_000_000 },
      set(nested(1_000)),
    ];
    for (const change of within) {
      const atom = { ...good, id: new AtomClock().next(), ...change };
      const { error } = await client.rpc("rivet_write_atoms", { atoms: [atom] });
      expect([JSON.stringify(change).slice(0, 60), error]).toEqual([JSON.stringify(change).slice(0, 60), null]);
    }
    expect(await collect(server().atoms({ sessionId, onUnreadable: () => {} }))).toHaveLength(within.length + 4);
    expect(await server().listSessions()).toHaveLength(1);
  });

  it("take no text with an escape that no string is stored with", async () => {
    const client = clientOfUser(project(), ALICE);
    const id = new AtomClock().next();
    const good = { session_id: "forged", id, user_id: ALICE, memory_type: "log", content: "1", metadata: "{}" };
    const forged: Readonly<Record<string, string>>[] = [
      { session_id: "\u00100061lices-contract" },
      { session_id: "\u0010d83d\u0010de00" },
      { memory_type: "\u0010" },
      { content: '"\\u00100061"' },
      { content: '{"\\u00100061":1}' },
      { metadata: '{"key":"\\\\\\u0010D800"}' },
    ];
    for (const change of forged) {
      const atom = { ...good, ...change, created_at_ms: 0 };
      const { error } = await client.rpc("rivet_write_atoms", { atoms: [atom] });
      expect([change, error?.code]).toEqual([change, "RM007"]);
      const saved = { sessionId: atom.session_id, userId: ALICE, foreseenHistoryXor: NIL_ID };
      const append = await client.rpc("rivet_append", { atoms: [atom], saved_session: saved });
      expect([change, append.error?.code]).toEqual([change, "RM007"]);
    }
    for (const content of ['"\\u00100010d800"', '"\\\\u0010"', '"\\u0010d800"']) {
      const atom = { ...good, id: new AtomClock().next(), content, created_at_ms: 0 };
      expect((await client.rpc("rivet_write_atoms", { atoms: [atom] })).error).toBeNull();
    }
  });
});

describe("the policies", () => {
  /**
   * Returns the number of rows that a statement changes for Bob while one of our functions writes, or its error code.
   */
  async function changedByBob(statement: string): Promise<unknown> {
    const client = new pg.Client({ connectionString: project().server.url() });
    await client.connect();
    try {
      await client.query(
        `BEGIN; SET LOCAL ROLE authenticated; SET LOCAL request.jwt.claims = '{"sub": "${BOB}"}'; SET LOCAL rivet_memory.writing = 'yes'`,
      );
      return (await client.query(statement)).rowCount;
    } catch (error) {
      return error instanceof pg.DatabaseError ? error.code : error;
    } finally {
      await client.end();
    }
  }
  const head = `'2026-01-01', '${ID}', 1, 1, 0, B'0'::bit(128), B'0'::bit(128), '{}', '{}', '${ID.slice(0, 8)}'`;

  it("hold also for what our own functions do, were they wrong", async () => {
    const session = await sessionOf(ALICE);
    await storageOf(ALICE).deleteMemoryAtoms(session.sessionId, [server().clock.next()]);
    const { sessionId } = session;
    // Without a condition, so that the policies on reading have no say.
    expect(await changedByBob("DELETE FROM rivet_public.session_memories")).toBe(0);
    expect(await changedByBob("DELETE FROM rivet_public.session_tombstones")).toBe(0);
    expect(await changedByBob("UPDATE rivet_public.session_heads SET message_count = 0")).toBe(0);
    const atom = (userId: string): string =>
      `INSERT INTO rivet_public.session_memories VALUES ('s', '${ID}', '${userId}', 'log', '1', '{}', '2026-01-01')`;
    expect(await changedByBob(atom(ALICE))).toBe("42501");
    expect(await changedByBob(atom(BOB))).toBe(1);
    const newHead = (userId: string): string =>
      `INSERT INTO rivet_public.session_heads VALUES ('s', '${userId}', ${head})`;
    expect(await changedByBob(newHead(ALICE))).toBe("42501");
    expect(await changedByBob(newHead(BOB))).toBe(1);
    const gift = `${newHead("")}; UPDATE rivet_public.session_heads SET user_id = '${ALICE}' WHERE session_id = 's'`;
    expect(await changedByBob(gift)).toBe("42501");
    const tombstone = (id: string, owner: string): string =>
      `INSERT INTO rivet_public.session_tombstones (session_id, id, owner, deleted_at) VALUES ('${sessionId}', '${id}', '\\x${owner}', now())`;
    expect(await changedByBob(tombstone(ID, ownerOf(BOB)))).toBe(1);
    expect(await changedByBob(tombstone(NIL_ID, ownerOf(ALICE)))).toBe("42501");
    expect(await changedByBob(tombstone(NIL_ID, UNKNOWN_OWNER))).toBe("42501");
  });
});

describe("whoever has not signed in", () => {
  it.each(["anon", "publishable"] as const)("is refused everything with the key %s", async (name) => {
    const { sessionId } = await sessionOf(ALICE);
    const { url, keys } = project();
    const storage = storageForTest({ url, key: keys[name] });
    const before = await everything();
    const atom = { sessionId: "anonymous", userId: ALICE, memoryType: "log", content: 1 };
    const works = [
      storage.loadSession(sessionId),
      storage.listSessions(),
      storage.queryMemoryAtoms(),
      storage.saveMemoryAtom(atom),
      storage.deleteSession(sessionId),
      storage.deleteUser(ALICE),
      storage.replica.tombstonesAfter(sessionId, undefined, 1),
    ];
    expect(await Promise.all(works.map(codeOf))).toEqual(works.map(() => "permission"));
    const client = tablesOf(createClient(url, keys[name]));
    for (const table of TABLES) {
      expect((await client.from(table).select("*")).error?.code).toBe("42501");
      for (const [, write] of DIRECT) await write(client, table, ROWS[table]);
    }
    expect(await everything()).toEqual(before);
  });
});

describe("the catalogue", () => {
  it("has row-level security on every table, and nothing for anon", async () => {
    const rows = await project().server.query(
      `SELECT relname::text AS name, relrowsecurity AS secured,
         has_table_privilege('anon', oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') AS open,
         has_table_privilege('authenticated', oid, 'TRUNCATE, REFERENCES, TRIGGER') AS changeable
       FROM pg_class WHERE relname = ANY ($1) AND relkind = 'r' ORDER BY 1`,
      [TABLES],
    );
    const secured = { secured: true, open: false, changeable: false };
    expect(rows).toEqual(TABLES.toSorted().map((name) => ({ name, ...secured })));
  });

  it("has functions that find names in pg_catalog alone, of which anon may call none", async () => {
    const rows = await project().server.query(
      `SELECT proname::text AS name, proconfig AS settings, prosecdef AS "isDefiner",
         has_function_privilege('anon', oid, 'EXECUTE') AS open
       FROM pg_proc WHERE proname LIKE 'rivet\\_%' ORDER BY 1`,
    );
    expect(rows.length).toBeGreaterThanOrEqual(10);
    for (const { name, settings, open, isDefiner } of rows) {
      expect({ name, settings, open }).toEqual({
        name,
        settings: expect.arrayContaining(["search_path=pg_catalog, pg_temp"]),
        open: false,
      });
      // None looks past the policies.
      expect([name, isDefiner]).toEqual([name, false]);
    }
  });

  it("has an index for what a policy asks", async () => {
    const client = new pg.Client({ connectionString: project().server.url() });
    await client.connect();
    await client.query(
      `SET enable_seqscan = off; SET ROLE authenticated; SET request.jwt.claims = '{"sub": "${ALICE}"}'`,
    );
    const plans: string[] = [];
    for (const table of ["session_memories", "session_heads", "session_tombstones"]) {
      plans.push(JSON.stringify((await client.query(`EXPLAIN SELECT * FROM rivet_public.${table}`)).rows));
    }
    await client.end();
    expect(plans).toEqual([
      expect.stringContaining("session_memories_by_user"),
      expect.stringContaining("session_heads_by_user"),
      expect.stringContaining("session_tombstones_by_owner"),
    ]);
  });
});

describe("the policy for teams of the README", () => {
  it("lets members share what is the team's, and nobody else", async () => {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const [, sql = ""] = /### A policy for teams[\s\S]*?```sql\n([\s\S]*?)```/.exec(readme) ?? [];
    expect(sql).toContain("CREATE POLICY");
    const carol = "ca501000-0000-4000-8000-000000000003";
    const team = "7ea00000-0000-4000-8000-000000000000";
    await project().apply(sql);
    await project().server.query("INSERT INTO team_members (team_id, user_id) VALUES ($1, $2), ($1, $3)", [
      team,
      ALICE,
      BOB,
    ]);
    const session = new Session({ userId: team, storage: storageOf(ALICE) });
    session.addUserMessage("from Alice");
    await session.save();
    const { sessionId } = session;
    const shared = await storageOf(BOB).loadSession(sessionId);
    shared?.addUserMessage("from Bob");
    await shared?.save();
    await session.refresh();
    expect(session.history.messages().map(({ content }) => content)).toEqual(["from Alice", "from Bob"]);
    const outsider = storageOf(carol);
    expect(await outsider.loadSession(sessionId)).toBeNull();
    const late = { sessionId, userId: team, memoryType: "log", content: 1 };
    expect(await codeOf(outsider.saveMemoryAtom(late))).toBe("permission");
    expect(await outsider.deleteSession(sessionId)).toBe(false);
    expect(await storageOf(BOB).deleteSession(sessionId)).toBe(true);
    expect(await codeOf(session.refresh())).toBe("not_found");
  });
});
