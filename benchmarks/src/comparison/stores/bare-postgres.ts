import { AtomClock } from "@rivet/memory-core";
import pg from "pg";
import { ANSWER, QUESTION, USER } from "../../workload.ts";
import type { Place, Store } from "../store.ts";

const TABLE = `
  CREATE TABLE IF NOT EXISTS messages (
    session_id text NOT NULL, id uuid NOT NULL, user_id text NOT NULL, memory_type text NOT NULL,
    content jsonb NOT NULL, metadata jsonb NOT NULL, created_at timestamptz NOT NULL, PRIMARY KEY (session_id, id)
  )`;

/** A hand-written store on `pg`, with one table and no guarantees: an INSERT of two rows per turn. */
export async function openStore({ url }: Place): Promise<Store> {
  const pool = new pg.Pool({ connectionString: url, max: 10 });
  const clock = new AtomClock();
  await pool.query(TABLE);
  const rowOf = (sessionId: string, type: string, text: string): unknown[] => {
    return [sessionId, clock.next(), USER, type, JSON.stringify(text), "{}", new Date()];
  };
  const insert = async (name: string, rows: readonly unknown[][]): Promise<void> => {
    let parameters = 0;
    const lists = rows.map((row) => `(${row.map(() => `$${++parameters}`).join()})`);
    await pool.query({ name, text: `INSERT INTO messages VALUES ${lists.join()}`, values: rows.flat() });
  };
  return {
    openSession: async (sessionId) => ({
      saveTurn: () =>
        insert("save-turn", [
          rowOf(sessionId, "message_user", QUESTION),
          rowOf(sessionId, "message_assistant", ANSWER),
        ]),
      fill: async (messages) => {
        for (let done = 0; done < messages; done += 1_000) {
          const count = Math.min(1_000, messages - done);
          const rows = Array.from({ length: count }, () => rowOf(sessionId, "message_user", QUESTION));
          await insert(`fill-${count}`, rows);
        }
      },
      load: async () => {
        const text = `
          SELECT id, memory_type, content, metadata, created_at FROM messages WHERE session_id = $1 ORDER BY id`;
        return (await pool.query({ name: "load", text, values: [sessionId] })).rows.length;
      },
      loadLast: async (messages) => {
        const text = `
          SELECT id, memory_type, content, metadata, created_at FROM messages WHERE session_id = $1
          ORDER BY id DESC LIMIT $2`;
        return (await pool.query({ name: "load-last", text, values: [sessionId, messages] })).rows.length;
      },
    }),
    close: () => pool.end(),
  };
}
