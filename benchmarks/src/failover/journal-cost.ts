import Database from "better-sqlite3";
import { DatabaseManager } from "@rivet/db-manager";
import { startPostgres, startProxy } from "@rivet/local-servers";
import { AtomClock, Session } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { medianTimes } from "../measure.ts";
import { ANSWER, QUESTION, USER, addTurn } from "../workload.ts";
import { NAMES } from "../cluster.ts";
import type { Cost } from "./report.ts";

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
  await session.save();
  const stores = new Set<string>();
  const bare = new BareSQLite(`${folder}/bare.db`);
  const times = await medianTimes({
    ours: async () => {
      addTurn(session);
      for (const store of (await session.save()).acceptedBy) stores.add(store);
    },
    reference: () => bare.saveTurn("session_reference"),
    rounds: 2_000,
  });
  bare.close();
  for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
  return { ...times, problems: [...stores].join() === "local" ? [] : [`accepted by ${[...stores].join(", ")}`] };
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
