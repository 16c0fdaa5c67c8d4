import { atLength, sharedServer } from "@rivet/local-servers";
import { AtomClock, headAfterInsert, Session, type AtomRow } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { appendToSessionValues } from "../src/statements/rows.ts";
import type { Query } from "../src/statements/named-statements.ts";
import { Statements } from "../src/statements/index.ts";
import { TablePlaces } from "../src/providers/table-places.ts";

const SESSIONS = 10_000;
const ATOMS_PER_SESSION = atLength({ usually: 20, long: 100 });

/** 10,000 sessions of 100 users, as the storage would have written them. */
const FILL = `
  INSERT INTO session_memories (session_id, id, user_id, memory_type, content, metadata, created_at, expires_at)
  SELECT 'session ' || session, ('01a20000-0000-7000-8000-' || lpad(to_hex(session * ${ATOMS_PER_SESSION} + atom), 12, '0'))::uuid,
    'user ' || session % 100, CASE WHEN atom % 10 = 0 THEN 'decision' ELSE 'message_user' END, '"The drive trips."', '{}', now(),
    CASE WHEN atom = 10 THEN now() END
  FROM generate_series(1, ${SESSIONS}) AS session, generate_series(0, ${ATOMS_PER_SESSION - 1}) AS atom;
  INSERT INTO session_heads (session_id, user_id, created_at, last_atom_id, recency, message_count, atom_count,
    deletion_count, id_xor, history_xor, metadata, metadata_ids)
  SELECT session_id, min(user_id), now(), max(id::text)::uuid, left(max(id::text), 8), count(*), count(*), 0, B'0'::bit(128), B'0'::bit(128), '{}', '{}'
  FROM session_memories GROUP BY session_id;
  ANALYZE session_memories, session_heads;`;

describe(`among ${SESSIONS * ATOMS_PER_SESSION} atoms, every read but those over all users`, () => {
  // What is lost in a power cut is of no interest here.
  const server = sharedServer(
    { beforeAll, afterAll },
    { settings: { fsync: "off", full_page_writes: "off", max_wal_size: "4GB" } },
  );

  it(
    "finds its rows by an index, whether the plan is made for its values or for any",
    { timeout: 120_000 },
    async () => {
      const url = await server().createDatabase();
      await using storage = await new PostgresMemoryStorage({ connectionString: url }).open();
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query(FILL);
      for (const mode of ["force_generic_plan", "force_custom_plan"]) {
        await client.query(`SET plan_cache_mode = ${mode}`);
        for (const [title, query] of Object.entries(everyRead())) {
          const plan = await explain(client, query);
          expect.soft(plan, `${title} with ${mode}:\n${plan}`).toMatch(/Index/);
          expect.soft(plan, `${title} with ${mode}:\n${plan}`).not.toMatch(/Seq Scan on session_/);
          expect.soft(rowsRead(plan), `${title} with ${mode}:\n${plan}`).toBeLessThan(1_000);
        }
      }
      await client.end();
      const page = await storage.listSessions({ userId: "user 7", limit: 50 });
      expect(page).toHaveLength(50);
    },
  );
});

describe("an append", () => {
  const server = sharedServer({ beforeAll, afterAll });

  it("touches as many pages in a session of 20,000 messages as in a short one", { timeout: 120_000 }, async () => {
    const url = await server().createDatabase();
    await using storage = await new PostgresMemoryStorage({ connectionString: url }).open();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const pages: number[] = [];
    for (const messages of [20, 20_000]) {
      const session = new Session({ userId: "ada", storage });
      for (let index = 0; index < messages; index++) session.addUserMessage("The drive trips.");
      await session.save();
      pages.push(await pagesOfAppend(client, session.sessionId));
    }
    await client.end();
    const [short = 0, long = 0] = pages;
    // An index of more pages may have one more level.
    expect(long).toBeLessThanOrEqual(short + 6);
  });
});

function everyRead(): Record<string, Query> {
  const statements = new Statements(new TablePlaces("public"));
  const [sessionId, userId, limit] = ["session 77", "user 77", 50];
  const id = "01a20000-0000-7000-8000-000000001f40";
  const types = ["decision", "log"];
  const unexpiredAtMs = Date.UTC(2100, 0);
  return {
    "a list of sessions": statements.read.selectHeads({ order: "recent-first", userId, limit }),
    "the next page of them": statements.read.selectHeads({ order: "recent-first", userId, beforeId: id, limit }),
    "a session": statements.read.selectSession({ sessionId }),
    "a session of a user": statements.read.selectSession({ sessionId, userId }),
    "the last messages": statements.read.selectSession({ sessionId, lastMessages: 20 }),
    "messages from an id on": statements.read.selectSession({ sessionId, fromId: id }),
    "atoms of a session": statements.read.selectAtoms({ sessionId, order: "newest-first", limit }),
    "facts of a session": statements.read.selectAtoms({ sessionId, memoryTypes: types, order: "newest-first", limit }),
    "atoms of a user": statements.read.selectAtoms({ userId, order: "newest-first", limit }),
    "facts of a user": statements.read.selectAtoms({
      userId,
      memoryTypes: types,
      order: "newest-first",
      beforeId: id,
      limit,
    }),
    "unexpired atoms of a session": statements.read.selectAtoms({
      sessionId,
      unexpiredAtMs,
      order: "newest-first",
      limit,
    }),
    "unexpired facts of a user": statements.read.selectAtoms({
      userId,
      memoryTypes: types,
      unexpiredAtMs,
      order: "newest-first",
      limit,
    }),
    "old atoms of a session": statements.read.selectAtoms({
      sessionId,
      createdBeforeMs: unexpiredAtMs,
      order: "oldest-first",
      limit,
    }),
    "expired atoms": statements.read.selectExpired({ atMs: unexpiredAtMs, limit }),
    "the next expired atoms": statements.read.selectExpired({
      atMs: unexpiredAtMs,
      after: { expiresAtMs: 0, sessionId, id, memoryType: "decision" },
      limit,
    }),
    "the next sessions": statements.read.selectHeads({ order: "session-id", afterSessionId: sessionId, limit }),
    "the last atom": { statement: statements.change.selectLastAtomId(), values: [sessionId] },
    "the metadata": { statement: statements.read.selectMetadata(), values: [sessionId] },
  };
}

async function explain(client: pg.Client, { statement, values }: Query): Promise<string> {
  await client.query(`PREPARE read AS ${statement.text}`);
  try {
    const literals = values.map((value) =>
      value === null ? "NULL" : pg.escapeLiteral(Array.isArray(value) ? `{${value.join(",")}}` : String(value)),
    );
    const { rows } = await client.query(
      `EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) EXECUTE read(${literals.join(", ")})`,
    );
    return rows.map((row) => row["QUERY PLAN"]).join("\n");
  } finally {
    await client.query("DEALLOCATE read");
  }
}

/** The most rows that one step of a plan gave. */
function rowsRead(plan: string): number {
  return Math.max(...[...plan.matchAll(/actual rows=([\d.]+)/g)].map(([, rows]) => Number(rows)));
}

/** Pages that the server looked at for an append, which is then undone. */
async function pagesOfAppend(client: pg.Client, sessionId: string): Promise<number> {
  const options = { isMetadataSet: false, isVersionExpected: false, count: 1, isHistory: true };
  const { text } = new Statements(new TablePlaces("public")).append.toSession(options);
  const row: AtomRow = {
    sessionId,
    id: new AtomClock().next(),
    userId: "ada",
    memoryType: "message_user",
    content: '"x"',
    metadata: "{}",
    createdAtMs: 0,
    expiresAtMs: null,
  };
  const head = headAfterInsert(undefined, [row]);
  const append = { rows: [row], head, deletionCount: 0, expectedHistoryXor: undefined, isMetadataSet: false };
  await client.query("BEGIN");
  await client.query(`PREPARE append AS ${text}`);
  const values = appendToSessionValues(append).map((value) => pg.escapeLiteral(String(value)));
  const { rows } = await client.query(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE append(${values.join(", ")})`);
  await client.query("ROLLBACK");
  await client.query("DEALLOCATE append");
  const { Plan } = rows[0]["QUERY PLAN"][0];
  return Plan["Shared Hit Blocks"] + Plan["Shared Read Blocks"];
}
