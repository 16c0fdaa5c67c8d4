import { AtomClock } from "@rivet/memory-core";
import Database from "better-sqlite3";
import { ANSWER, QUESTION, USER } from "../../workload.ts";
import type { Place, Store } from "../store.ts";

/**
 * A hand-written store on better-sqlite3 for one application: messages, and a row for each session, which a list of
 * sessions needs. Each turn is on the disk before the call returns (`synchronous = FULL`, in a WAL).
 */
export async function openStore({ url }: Place): Promise<Store> {
  const database = new Database(url.slice("sqlite:".length));
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.exec(`
    CREATE TABLE IF NOT EXISTS messages (
      session_id TEXT NOT NULL, id TEXT NOT NULL, user_id TEXT NOT NULL, role TEXT NOT NULL, content TEXT NOT NULL,
      created_at INTEGER NOT NULL, PRIMARY KEY (session_id, id)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS sessions (
      session_id TEXT PRIMARY KEY, user_id TEXT NOT NULL, last_id TEXT NOT NULL, message_count INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS sessions_by_user ON sessions (user_id, last_id);`);
  const clock = new AtomClock();
  const insert = database.prepare("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?)");
  const upsert = database.prepare(`
    INSERT INTO sessions VALUES (?, ?, ?, ?) ON CONFLICT (session_id) DO UPDATE SET
      last_id = excluded.last_id, message_count = message_count + excluded.message_count`);
  const append = database.transaction((sessionId: string, messages: readonly (readonly [string, string])[]) => {
    let id = "";
    for (const [role, text] of messages) {
      id = clock.next();
      insert.run(sessionId, id, USER, role, JSON.stringify(text), Date.now());
    }
    upsert.run(sessionId, USER, id, messages.length);
  }).immediate;
  const select = database.prepare(
    "SELECT id, role, content, created_at FROM messages WHERE session_id = ? ORDER BY id",
  );
  const selectLast = database.prepare(
    "SELECT id, role, content, created_at FROM messages WHERE session_id = ? ORDER BY id DESC LIMIT ?",
  );
  const selectSessions = database.prepare("SELECT * FROM sessions WHERE user_id = ? ORDER BY last_id DESC LIMIT ?");
  const turn = [
    ["user", QUESTION],
    ["assistant", ANSWER],
  ] as const;
  return {
    openSession: async (sessionId) => ({
      saveTurn: async () => append(sessionId, turn),
      fill: async (messages) =>
        append(
          sessionId,
          Array.from({ length: messages }, () => ["user", QUESTION] as const),
        ),
      load: async () => parsed(select.all(sessionId)).length,
      loadLast: async (messages) => parsed(selectLast.all(sessionId, messages)).length,
    }),
    listSessions: async (limit) => selectSessions.all(USER, limit).length,
    close: async () => void database.close(),
  };
}

function parsed(rows: readonly unknown[]): unknown[] {
  return (rows as { content: string }[]).map((row) => ({ ...row, content: JSON.parse(row.content) }));
}
