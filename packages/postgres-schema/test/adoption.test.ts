import { headAfterInsert, isAtomId, type AtomRow, type SessionHead } from "@rivet/memory-core";
import { describe, expect, it } from "vitest";
import { migrate, type SchemaDatabase } from "../src/index.ts";
import { catalogOf, connect, useServer } from "./database.ts";

const server = useServer();

/** The table as the Python original creates it. */
const LEGACY_TABLE = `
  CREATE EXTENSION IF NOT EXISTS "uuid-ossp";
  CREATE TABLE session_memories (
    id UUID PRIMARY KEY DEFAULT uuid_generate_v4(),
    session_id VARCHAR(255) NOT NULL,
    user_id VARCHAR(255),
    memory_type VARCHAR(50) NOT NULL CHECK (memory_type IN ('session_metadata', 'message_user', 'message_assistant',
      'message_system', 'message_tool', 'message_weird', 'context', 'decision', 'action', 'issue', 'log')),
    content JSONB NOT NULL,
    metadata JSONB DEFAULT '{}',
    created_at TIMESTAMPTZ DEFAULT NOW()
  );
  CREATE INDEX session_memories_by_user ON session_memories (user_id);`;

async function legacyDatabase(): Promise<SchemaDatabase> {
  const database = await connect(await server().createDatabase());
  for (const statement of LEGACY_TABLE.split(";\n")) await database.query(statement);
  return database;
}

interface Old {
  readonly sessionId?: string;
  readonly userId?: string | null;
  readonly type: string;
  readonly content: unknown;
  readonly metadata?: unknown;
  readonly at: string;
}

async function insertOld(database: SchemaDatabase, rows: readonly Old[]): Promise<void> {
  for (const { sessionId = "s", userId = "ada", type, content, metadata = {}, at } of rows) {
    await database.query(
      `INSERT INTO session_memories (session_id, user_id, memory_type, content, metadata, created_at)
       VALUES ($1, $2, $3, $4, $5, $6)`,
      [sessionId, userId, type, JSON.stringify(content), metadata === null ? null : JSON.stringify(metadata), at],
    );
  }
}

function message(index: number, role: string, text: unknown, at: string, type = `message_${role}`): Old {
  return { type, content: { role, content: text, message_index: index, timestamp: `at ${index}` }, at };
}

/** As the original saves: its metadata, and all of its messages again. */
function save(messages: readonly (readonly [string, string])[], metadata: unknown, at: string): Old[] {
  return [
    { type: "session_metadata", content: { created_at: "2024", last_active: at, metadata }, at },
    ...messages.map(([role, text], index) => message(index, role, text, at)),
  ];
}

async function atoms(database: SchemaDatabase): Promise<AtomRow[]> {
  const { rows } = await database.query(
    `SELECT session_id AS "sessionId", id, user_id AS "userId", memory_type AS "memoryType", content::text, metadata::text,
       (date_part('epoch', created_at) * 1000)::float8 AS "createdAtMs" FROM session_memories
     ORDER BY session_id COLLATE "C", id`,
  );
  return rows.map((row) => ({
    sessionId: String(row["sessionId"]),
    id: String(row["id"]),
    userId: String(row["userId"]),
    memoryType: String(row["memoryType"]),
    content: String(row["content"]),
    metadata: String(row["metadata"]),
    createdAtMs: Number(row["createdAtMs"]),
    expiresAtMs: null,
  }));
}

/** Checks that the heads agree with the atoms. */
async function expectHeads(database: SchemaDatabase): Promise<void> {
  const folded = new Map<string, SessionHead>();
  for (const row of await atoms(database)) folded.set(row.sessionId, headAfterInsert(folded.get(row.sessionId), [row]));
  const { rows } = await database.query(
    `SELECT session_id AS "sessionId", user_id AS "userId", last_atom_id AS "lastAtomId", message_count AS "messageCount",
       atom_count AS "atomCount", encode(substr(bit_send(id_xor), 5), 'hex') AS "idXor",
       encode(substr(bit_send(history_xor), 5), 'hex') AS "historyXor", metadata, metadata_ids AS "metadataIds"
     FROM session_heads ORDER BY session_id COLLATE "C"`,
  );
  const expected = [...folded.values()].map(({ createdAtMs: _time, ...head }) => ({
    ...head,
    idXor: head.idXor.replaceAll("-", ""),
    historyXor: head.historyXor.replaceAll("-", ""),
    metadata: JSON.parse(head.metadata),
    metadataIds: JSON.parse(head.metadataIds),
  }));
  expect(rows).toEqual(expected);
}

describe("a table of the Python original", () => {
  it("becomes ours: each message once, in its order, and the last metadata", async () => {
    const database = await legacyDatabase();
    const talk = [
      ["user", "one"],
      ["assistant", "two"],
      ["user", "three"],
      ["assistant", "four"],
    ] as const;
    await insertOld(database, [
      ...save(talk.slice(0, 2), { title: "first", gone: 1 }, "2025-01-01T10:00:00Z"),
      { type: "decision", content: { change: "ramp" }, metadata: { by: "ada" }, at: "2025-01-01T10:00:30Z" },
      ...save(talk.slice(0, 3), { title: "second" }, "2025-01-01T10:01:00Z"),
      ...save(talk, { title: "third" }, "2025-01-01T10:02:00Z"),
    ]);
    await migrate(database);
    const stored = await atoms(database);
    expect(stored.map(({ memoryType, content }) => [memoryType, JSON.parse(content)])).toEqual([
      ["message_user", "one"],
      ["message_assistant", "two"],
      ["decision", { change: "ramp" }],
      ["message_user", "three"],
      ["session_metadata", { set: { title: "third" }, removed: [] }],
      ["message_assistant", "four"],
    ]);
    expect(stored.every(({ id }) => isAtomId(id))).toBe(true);
    expect(stored[0]?.createdAtMs).toBe(Date.parse("2025-01-01T10:00:00Z"));
    expect(JSON.parse(stored[0]?.metadata ?? "")).toEqual({ timestamp: "at 0" });
    await expectHeads(database);
    const { rows } = await database.query("SELECT count(*)::int AS rows FROM session_memories_legacy");
    expect(rows).toEqual([{ rows: 13 }]);

    await migrate(database);
    expect(await atoms(database)).toEqual(stored);
  });

  it("keeps messages in the order of their index, whatever their times say", async () => {
    const database = await legacyDatabase();
    const at = (second: number): string => `2025-01-01T10:00:0${second}Z`;
    await insertOld(database, [
      message(11, "user", "twelfth", at(1)),
      message(2, "user", "third", at(3)),
      message(10, "user", "eleventh", at(2)),
      message(0, "user", "first", at(5)),
    ]);
    await migrate(database);
    const texts = (await atoms(database)).map(({ content }) => JSON.parse(content));
    expect(texts).toEqual(["first", "third", "eleventh", "twelfth"]);
    await expectHeads(database);
  });

  it("loses no row of an odd shape", async () => {
    const database = await legacyDatabase();
    const at = "2025-01-01T10:00:00Z";
    await insertOld(database, [
      message(0, "user", "one", at),
      message(0, "user", "another text under the same index", at),
      message(1, "human", "of another framework", at, "message_weird"),
      message(2, "oracle", "of nobody", at, "message_weird"),
      { type: "message_user", content: "a bare text", at },
      { type: "message_user", content: { role: "user", content: { parts: [1] }, message_index: "x" }, at },
      { type: "log", content: null, metadata: null, userId: null, sessionId: "no user", at },
      { type: "log", content: ["\u0010 and 🙂", { "\u0010": 1 }], sessionId: "", at },
      { type: "log", content: 1, sessionId: "early", at: "1950-01-01T00:00:00Z" },
      { type: "log", content: 2, sessionId: "late", at: "2950-01-01T00:00:00Z" },
    ]);
    await migrate(database);
    const stored = await atoms(database);
    expect(stored).toHaveLength(10);
    expect(stored.map(({ memoryType }) => memoryType)).toContain("legacy_message");
    expect(stored.find(({ sessionId }) => sessionId === "no user")).toMatchObject({
      userId: "unknown",
      content: "null",
    });
    expect(stored.find(({ sessionId }) => sessionId === "unknown")?.content).toContain("\\u00100010");
    const now = Date.now();
    for (const { id, createdAtMs } of stored) {
      expect(isAtomId(id)).toBe(true);
      expect(createdAtMs).toBeGreaterThanOrEqual(0);
      expect(createdAtMs).toBeLessThanOrEqual(now);
    }
    await expectHeads(database);
  });

  it("is what it was when the adoption fails", async () => {
    const database = await legacyDatabase();
    await insertOld(database, save([["user", "one"]], {}, "2025-01-01T10:00:00Z"));
    await database.query("CREATE TABLE replication_hints (mine int)");
    const before = await catalogOf(database, "public");
    await expect(migrate(database)).rejects.toThrow("replication_hints");
    expect(await catalogOf(database, "public")).toEqual(before);
    await database.query("DROP TABLE replication_hints");
    await migrate(database);
    expect(await atoms(database)).toHaveLength(2);
  });

  it("is adopted page by page, also with 100,000 rows", { timeout: 120_000 }, async () => {
    const database = await legacyDatabase();
    await database.query(`
      INSERT INTO session_memories (session_id, user_id, memory_type, content, created_at)
      SELECT 'session ' || session, 'ada', 'message_user',
        jsonb_build_object('role', 'user', 'content', 'text ' || message, 'message_index', message),
        timestamptz '2025-01-01' + make_interval(secs => save)
      FROM generate_series(1, 200) AS session, generate_series(1, 31) AS save, generate_series(1, save) AS message`);
    await migrate(database);
    const { rows } = await database.query(
      "SELECT count(*)::int AS sessions, sum(message_count)::int AS messages FROM session_heads",
    );
    expect(rows).toEqual([{ sessions: 200, messages: 200 * 31 }]);
    await expectHeads(database);
  });
});
