import Database from "better-sqlite3";
import { AtomClock } from "@rivet/memory-core";
import { ANSWER, QUESTION, USER } from "./workload.ts";

/** What a good engineer would write by hand on better-sqlite3, for one application: the same tables, the same fsync. */
export class HandWrittenSQLite {
  readonly #database: Database.Database;
  readonly #clock = new AtomClock();
  readonly #saveTurn: (sessionId: string) => void;
  readonly #selectMessages: Database.Statement;
  readonly #selectHeads: Database.Statement;

  /** The file must have the tables already. */
  constructor(path: string) {
    const database = new Database(path);
    database.pragma("synchronous = FULL");
    const insert = database.prepare("INSERT INTO session_memories VALUES (?, ?, ?, ?, ?, ?, ?)");
    const upsertHead = database.prepare(`
      INSERT INTO session_heads VALUES (?, ?, ?, ?, 2, 2, ?, ?, '{}', '{}')
      ON CONFLICT (session_id) DO UPDATE SET last_atom_id = excluded.last_atom_id,
        message_count = message_count + 2, atom_count = atom_count + 2`);
    const saveTurn = database.transaction((sessionId: string) => {
      const question = this.#clock.next();
      const answer = this.#clock.next();
      insert.run(sessionId, question, USER, "message_user", JSON.stringify(QUESTION), "{}", Date.now());
      insert.run(sessionId, answer, USER, "message_assistant", JSON.stringify(ANSWER), "{}", Date.now());
      upsertHead.run(sessionId, USER, Date.now(), answer, question, answer);
    });
    this.#database = database;
    this.#saveTurn = saveTurn.immediate;
    this.#selectMessages = database.prepare(`
      SELECT id, memory_type, content, metadata, created_at FROM session_memories WHERE session_id = ? ORDER BY id`);
    this.#selectHeads = database.prepare(`
      SELECT * FROM session_heads
      WHERE user_id = ? ORDER BY last_atom_id DESC LIMIT ?`);
  }

  saveTurn(sessionId: string): void {
    this.#saveTurn(sessionId);
  }

  loadMessages(sessionId: string): unknown[] {
    const rows = this.#selectMessages.all(sessionId) as { content: string; metadata: string }[];
    return rows.map((row) => ({ ...row, content: JSON.parse(row.content), metadata: JSON.parse(row.metadata) }));
  }

  listSessions(limit: number): unknown[] {
    return this.#selectHeads.all(USER, limit);
  }

  close(): void {
    this.#database.close();
  }
}
