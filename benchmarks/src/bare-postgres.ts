import { AtomClock } from "@rivet/memory-core";
import pg from "pg";
import { ANSWER, QUESTION, USER } from "./workload.ts";

/** What one would write by hand on `pg` with one table and no guarantees: a two-row INSERT a turn. */
export class BarePostgres {
  readonly #pool: pg.Pool;
  readonly #clock = new AtomClock();

  constructor(connectionString: string) {
    this.#pool = new pg.Pool({ connectionString, max: 10 });
  }

  async createTable(): Promise<void> {
    await this.#pool.query(`
      CREATE TABLE messages (
        session_id text NOT NULL, id uuid NOT NULL, user_id text NOT NULL, memory_type text NOT NULL,
        content jsonb NOT NULL, metadata jsonb NOT NULL, created_at timestamptz NOT NULL, PRIMARY KEY (session_id, id)
      )`);
  }

  async saveTurn(sessionId: string): Promise<void> {
    const row = (type: string, text: string): unknown[] => {
      return [sessionId, this.#clock.next(), USER, type, JSON.stringify(text), "{}", new Date()];
    };
    await this.#pool.query({
      name: "save-turn",
      text: "INSERT INTO messages VALUES ($1, $2, $3, $4, $5, $6, $7), ($8, $9, $10, $11, $12, $13, $14)",
      values: [...row("message_user", QUESTION), ...row("message_assistant", ANSWER)],
    });
  }

  /** Reads from our own table: the same rows. */
  async loadMessages(sessionId: string): Promise<unknown[]> {
    const text = `
      SELECT id, memory_type, content, metadata, created_at FROM session_memories WHERE session_id = $1 ORDER BY id`;
    return (await this.#pool.query({ name: "load", text, values: [sessionId] })).rows;
  }

  async loadLastMessages(sessionId: string, limit: number): Promise<unknown[]> {
    const text = `
      SELECT id, memory_type, content, metadata, created_at FROM session_memories WHERE session_id = $1
      ORDER BY id DESC LIMIT $2`;
    return (await this.#pool.query({ name: "load-last", text, values: [sessionId, limit] })).rows;
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}
