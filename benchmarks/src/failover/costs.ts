import Database from "better-sqlite3";
import { DatabaseManager } from "@rivet/db-manager";
import { startPostgres, startProxy } from "@rivet/local-servers";
import { AtomClock, Session } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import pg from "pg";
import { medianTimes } from "../measure.ts";
import { ANSWER, QUESTION, USER, addTurn } from "../workload.ts";
import { NAMES } from "./cluster.ts";

export interface Cost {
  readonly ours: number;
  readonly reference: number;
  readonly ratio: number;
  readonly problems: readonly string[];
}

/** A save that the journal takes, with all providers known to be down, against two rows in a SQLite file. */
export async function journalCost(folder: string): Promise<Cost> {
  await using server = await startPostgres();
  const proxies = await Promise.all(NAMES.map(() => startProxy(server)));
  const providers = await Promise.all(
    NAMES.map(async (name, index) => {
      return { name, connectionString: proxies[index]?.url(await server.createDatabase()) ?? "" };
    }),
  );
  await using db = new DatabaseManager({ providers });
  await using storage = await new PostgresMemoryStorage({ db, local: `${folder}/cost.db` }).open();
  for (const proxy of proxies) proxy.setMode("refuse");
  const session = new Session({ userId: USER, storage });
  const { acceptedBy } = await session.save();
  const bare = new BareSQLite(`${folder}/bare.db`);
  const times = await medianTimes({
    ours: () => {
      addTurn(session);
      return session.save();
    },
    reference: () => bare.saveTurn("session_reference"),
    rounds: 2_000,
  });
  bare.close();
  for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
  return { ...times, problems: acceptedBy.join() === "local" ? [] : ["the journal did not take it"] };
}

/** One table with its primary key, and no guarantees but the disk's. */
class BareSQLite {
  readonly #database: Database.Database;
  readonly #clock = new AtomClock();
  readonly #saveTurn: (sessionId: string) => void;

  constructor(path: string) {
    const database = new Database(path);
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = FULL");
    database.exec(`CREATE TABLE messages (
      session_id TEXT, id TEXT, user_id TEXT, memory_type TEXT, content TEXT, metadata TEXT, created_at INTEGER,
      PRIMARY KEY (session_id, id)
    ) WITHOUT ROWID`);
    const insert = database.prepare("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?)");
    this.#database = database;
    this.#saveTurn = database.transaction((sessionId: string) => {
      for (const [type, text] of [
        ["message_user", QUESTION],
        ["message_assistant", ANSWER],
      ] as const) {
        insert.run(sessionId, this.#clock.next(), USER, type, JSON.stringify(text), "{}", Date.now());
      }
    });
  }

  saveTurn(sessionId: string): void {
    this.#saveTurn(sessionId);
  }

  close(): void {
    this.#database.close();
  }
}

const INSERT = "INSERT INTO messages VALUES ($1, $2, $3, $4, $5, $6, $7), ($8, $9, $10, $11, $12, $13, $14)";

/** A two-row INSERT through the manager of three providers, against the same one with a pool of pg. */
export async function overhead(): Promise<Cost> {
  await using server = await startPostgres({ settings: { shared_preload_libraries: "pg_stat_statements" } });
  const url = await server.createDatabase();
  const providers = await Promise.all(
    NAMES.map(async (name) => ({ name, connectionString: await server.createDatabase() })),
  );
  await using db = new DatabaseManager({ providers });
  const pool = new pg.Pool({ connectionString: url });
  for (const address of [url, ...providers.map(({ connectionString }) => connectionString)]) {
    await server.query(MESSAGES, [], databaseOf(address));
  }
  await server.query("CREATE EXTENSION pg_stat_statements");
  await server.query("SELECT pg_stat_statements_reset()");
  const clock = new AtomClock();
  const turn = (): unknown[] =>
    [QUESTION, ANSWER].flatMap((text) => [
      "session",
      clock.next(),
      USER,
      "message",
      JSON.stringify(text),
      "{}",
      new Date(),
    ]);
  const statement = { name: "save-turn", text: INSERT };
  let asked = 0;
  const times = await medianTimes({
    ours: () => {
      asked += 1;
      return db.query(statement, turn(), { idempotent: true, hedge: true });
    },
    reference: () => pool.query({ ...statement, values: turn() }),
    rounds: 5_000,
  });
  await pool.end();
  const [row] = await server.query(
    `SELECT COALESCE(sum(calls), 0)::int AS calls FROM pg_stat_statements
     JOIN pg_database ON pg_database.oid = dbid WHERE datname = ANY($1)`,
    [providers.map(({ connectionString }) => databaseOf(connectionString))],
  );
  const calls = Number(row?.["calls"]);
  return {
    ...times,
    problems: calls === asked ? [] : [`${calls} statements were run for ${asked} that were asked for`],
  };
}

const MESSAGES = `CREATE TABLE messages (
  session_id text NOT NULL, id uuid NOT NULL, user_id text NOT NULL, memory_type text NOT NULL,
  content jsonb NOT NULL, metadata jsonb NOT NULL, created_at timestamptz NOT NULL, PRIMARY KEY (session_id, id)
)`;

function databaseOf(url: string): string {
  return new URL(url).pathname.slice(1);
}
