import pg from "pg";
import { ANSWER, QUESTION, USER } from "./workload.ts";

/** Rows of one INSERT. */
export const BULK_ROWS = 1_000;
const ROWS_PER_SESSION = 100;

/** @returns rows per second of bare INSERTs, one after another, into our own table. */
export async function bulkInsertRate(url: string, batches: number): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const startMs = performance.now();
  for (let batch = 0; batch < batches; batch += 1) {
    await client.query({
      name: "bulk",
      text: `INSERT INTO session_memories (session_id, id, user_id, memory_type, content, metadata, created_at)
        SELECT session_id, id, $3, type, content, '{}', now()
        FROM unnest($1::text[], $2::uuid[], $4::text[], $5::jsonb[]) AS row (session_id, id, type, content)
        ORDER BY session_id, id`,
      values: [
        Array.from({ length: BULK_ROWS }, (_, index) => `bulk_${batch}_${Math.floor(index / ROWS_PER_SESSION)}`),
        Array.from({ length: BULK_ROWS }, () => crypto.randomUUID()),
        USER,
        Array.from({ length: BULK_ROWS }, (_, index) => (index % 2 === 0 ? "message_user" : "message_assistant")),
        Array.from({ length: BULK_ROWS }, (_, index) => JSON.stringify(index % 2 === 0 ? QUESTION : ANSWER)),
      ],
    });
  }
  const tookMs = performance.now() - startMs;
  await client.end();
  return (batches * BULK_ROWS * 1_000) / tookMs;
}
