import { AtomClock } from "@rivet/memory-core";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { ANSWER, QUESTION, USER } from "./workload.ts";

const PAGE_ROWS = 1_000;

/** What one would write by hand on `supabase-js` with one table and no guarantees: a two-row insert a turn. */
export class BareSupabase {
  static readonly tables = `
    CREATE TABLE messages (
      session_id text NOT NULL, id uuid NOT NULL, user_id text NOT NULL, memory_type text NOT NULL,
      content jsonb NOT NULL, metadata jsonb NOT NULL, created_at timestamptz NOT NULL, PRIMARY KEY (session_id, id)
    );`;
  readonly #client: SupabaseClient;
  readonly #clock = new AtomClock();

  constructor(url: string, key: string) {
    this.#client = createClient(url, key);
  }

  async saveTurn(sessionId: string): Promise<void> {
    const row = (memoryType: string, content: string): object => ({
      session_id: sessionId,
      id: this.#clock.next(),
      user_id: USER,
      memory_type: memoryType,
      content,
      metadata: {},
      created_at: new Date(),
    });
    const rows = [row("message_user", QUESTION), row("message_assistant", ANSWER)];
    const { error } = await this.#client.from("messages").insert(rows);
    if (error !== null) throw error;
  }

  /** Reads from our own table: the same rows, and as many pages as it takes until one is not full. */
  async loadMessages(sessionId: string): Promise<unknown[]> {
    const all: { id: string }[] = [];
    for (;;) {
      const { data, error } = await this.#client
        .from("session_memories")
        .select("id, memory_type, content, metadata, created_at")
        .eq("session_id", sessionId)
        .like("memory_type", "message%")
        .gt("id", all.at(-1)?.id ?? "00000000-0000-0000-0000-000000000000")
        .order("id")
        .limit(PAGE_ROWS);
      if (error !== null) throw error;
      all.push(...data);
      if (data.length < PAGE_ROWS) return all;
    }
  }
}
