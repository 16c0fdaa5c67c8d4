import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { sharedServer, startPostgres } from "@rivet/local-servers";
import { AtomClock, Session, type AtomRow } from "@rivet/memory-core";
import { InMemoryStorage } from "@rivet/memory-inmemory";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { drain, SMALL_ROWS } from "../src/journal/drain.ts";
import { journalPath } from "./three-providers.ts";

const SECRET = "the-secret-of-ada";

it("a journal that was brought to all providers holds no byte of what it brought", { timeout: 30_000 }, async () => {
  const path = journalPath();
  const file = new SQLiteStorage(path);
  onTestFinished(() => file.close());
  const clock = new AtomClock();
  const rows = Array.from({ length: 700 }, (_, index): AtomRow => ({
    sessionId: `s${index % 9}`,
    id: clock.next(),
    userId: "ada",
    memoryType: "log",
    content: JSON.stringify(`${SECRET} ${index} `.repeat(1 + (index % 30))),
    metadata: "{}",
    createdAtMs: 5,
    expiresAtMs: null,
  }));
  await file.journal.append(rows);
  const providers = ["neon", "railway"];
  for (const provider of providers) {
    const target = new InMemoryStorage();
    const merge = (_: string, facts: Parameters<typeof target.replica.merge>[0]) => target.replica.merge(facts);
    await drain({ journal: file.journal, providers, merge, onRefused: () => undefined }, provider, SMALL_ROWS);
    expect(await target.queryMemoryAtoms({ limit: 1_000 })).toHaveLength(700);
  }
  await file.close();
  expect((await readFile(path)).includes(SECRET)).toBe(false);
});

it(
  "a receipt of PostgreSQL names the files in which rows that were erased still are",
  { timeout: 60_000 },
  async () => {
    await using server = await startPostgres();
    const url = await server.createDatabase();
    await using storage = new PostgresMemoryStorage({ connectionString: url, local: false });
    await storage.saveMemoryAtom({ sessionId: "s", userId: "ada", memoryType: "log", content: SECRET });
    const { residue } = await storage.deleteUser("ada");
    expect(residue.map(({ store, place, reason }) => [store, place, reason])).toEqual([
      ["postgres", "file", "vacuum"],
      ["postgres", "log", "retention"],
      ["postgres", "copies", "retention"],
    ]);
    expect(await storage.residue()).toEqual(residue);
    const database = new URL(url).pathname.slice(1);
    const isInFiles = async (place: string): Promise<boolean> => {
      await server.query("CHECKPOINT", [], database);
      return hasBytes(join(server.folder, "data", place));
    };
    expect(await isInFiles("base")).toBe(true);
    await server.query("VACUUM FULL public.session_memories", [], database);
    expect(await isInFiles("base")).toBe(false);
    expect(await isInFiles("pg_wal")).toBe(true);
  },
);

async function hasBytes(folder: string): Promise<boolean> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((found) => found.isFile())) {
    const bytes = await readFile(join(entry.parentPath, entry.name));
    if (bytes.includes(SECRET)) return true;
  }
  return false;
}

describe("atoms that only the local journal holds", () => {
  const server = sharedServer({ beforeAll, afterAll });
  const WAITING = ["m1", "m2"];

  interface Waiting {
    readonly storage: PostgresMemoryStorage;
    readonly file: SQLiteStorage;
    readonly path: string;
    readonly rows: readonly AtomRow[];
  }

  /** Two messages and a fact of Ada's session wait, and a message of Bob's. The drainer has not come to them yet. */
  async function waiting(): Promise<Waiting> {
    const path = journalPath();
    const file = new SQLiteStorage(path);
    onTestFinished(() => file.close());
    const clock = new AtomClock();
    const row = (sessionId: string, userId: string, memoryType: string): AtomRow => ({
      sessionId,
      id: clock.next(),
      userId,
      memoryType,
      content: JSON.stringify(userId === "ada" ? SECRET : "of Bob"),
      metadata: "{}",
      createdAtMs: 5,
      expiresAtMs: null,
    });
    const messages = WAITING.map(() => row("s", "ada", "message_user"));
    const rows = [...messages, row("s", "ada", "fact"), row("t", "bob", "message_user")];
    await file.journal.append(rows);
    const { replica, reader } = file;
    const journal = { ...file.journal, pending: async () => [] };
    const local = { journal, replica, reader, close: async () => undefined };
    const storage = new PostgresMemoryStorage({ connectionString: await server().createDatabase(), local });
    onTestFinished(() => storage.close());
    return { storage, file, path, rows };
  }

  const held = async ({ file }: Waiting): Promise<string[]> =>
    (await file.journal.pending("postgres", undefined, 10)).map(
      ({ sessionId, memoryType }) => `${sessionId} ${memoryType}`,
    );

  /** A page that another process had read before the deletion. */
  async function deliverLate({ storage, rows }: Waiting): Promise<string[]> {
    await storage.replica.merge({ rows, tombstones: [] });
    return (await storage.queryMemoryAtoms({ limit: 10 })).map(
      ({ sessionId, memoryType }) => `${sessionId} ${memoryType}`,
    );
  }

  it("go with their user, and no later delivery brings them back", async () => {
    const place = await waiting();
    const receipt = await place.storage.deleteUser("ada");
    expect(receipt).toMatchObject({ sessions: 1, atoms: 3, messages: 2 });
    expect(await held(place)).toEqual(["t message_user"]);
    expect(await deliverLate(place)).toEqual(["t message_user"]);
    await place.file.close();
    expect((await readFile(place.path)).includes(SECRET)).toBe(false);
  });

  it("go with their session, unless the caller guards it for another user", async () => {
    const place = await waiting();
    await place.storage.deleteSession("s", { userId: "bob" });
    expect(await held(place)).toHaveLength(4);
    expect(await place.storage.deleteSession("s", { userId: "ada" })).toBe(true);
    expect(await held(place)).toEqual(["t message_user"]);
    expect(await deliverLate(place)).toEqual(["t message_user"]);
  });

  it("are deleted by their ids, and the others of the session wait on", async () => {
    const place = await waiting();
    const ids = place.rows.slice(0, 1).map(({ id }) => id);
    expect(await place.storage.deleteMemoryAtoms("s", ids)).toBe(1);
    expect(await held(place)).toEqual(["s message_user", "s fact", "t message_user"]);
    expect((await deliverLate(place)).toSorted()).toEqual(["s fact", "s message_user", "t message_user"]);
  });

  it("go when the history is cleared that they belong to, and facts stay", async () => {
    const place = await waiting();
    const session = new Session({ sessionId: "s", userId: "ada", storage: place.storage });
    session.addUserMessage("seen");
    await session.save();
    session.clearHistory();
    await session.save();
    expect(await held(place)).toEqual(["s fact", "t message_user"]);
    expect(await deliverLate(place)).not.toContain("s message_user");
  });
});
