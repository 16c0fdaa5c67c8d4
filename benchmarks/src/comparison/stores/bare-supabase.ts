import { AtomClock } from "@rivet/memory-core";
import { createClient } from "@supabase/supabase-js";
import { ANSWER, QUESTION, USER } from "../../workload.ts";
import type { Place, Store } from "../store.ts";

/** The table that {@link openStore} needs. */
export const TABLES = `
  CREATE TABLE messages (
    session_id text NOT NULL, id uuid NOT NULL, user_id text NOT NULL, memory_type text NOT NULL,
    content jsonb NOT NULL, metadata jsonb NOT NULL, created_at timestamptz NOT NULL, PRIMARY KEY (session_id, id)
  );`;

const PAGE_ROWS = 1_000;
const FIRST_ID = "00000000-0000-0000-0000-000000000000";

/** A hand-written store on `supabase-js`, with one table and no guarantees: an insert of two rows per turn. */
export async function openStore({ url, key = "" }: Place): Promise<Store> {
  const client = createClient(url, key);
  const clock = new AtomClock();
  const rowOf = (sessionId: string, memoryType: string, content: string): object => ({
    session_id: sessionId,
    id: clock.next(),
    user_id: USER,
    memory_type: memoryType,
    content,
    metadata: {},
    created_at: new Date(),
  });
  const insert = async (rows: readonly object[]): Promise<void> => {
    const { error } = await client.from("messages").insert(rows);
    if (error !== null) throw error;
  };
  const columns = "id, memory_type, content, metadata, created_at";
  return {
    openSession: async (sessionId) => ({
      saveTurn: () =>
        insert([rowOf(sessionId, "message_user", QUESTION), rowOf(sessionId, "message_assistant", ANSWER)]),
      fill: async (messages) => {
        for (let done = 0; done < messages; done += 1_000) {
          const count = Math.min(1_000, messages - done);
          await insert(Array.from({ length: count }, () => rowOf(sessionId, "message_user", QUESTION)));
        }
      },
      // As many pages as it takes until one is not full.
      load: async () => {
        const all: { id: string }[] = [];
        for (;;) {
          const page = client.from("messages").select(columns).eq("session_id", sessionId);
          const { data, error } = await page
            .gt("id", all.at(-1)?.id ?? FIRST_ID)
            .order("id")
            .limit(PAGE_ROWS);
          if (error !== null) throw error;
          all.push(...data);
          if (data.length < PAGE_ROWS) return all.length;
        }
      },
      loadLast: async (messages) => {
        const page = client.from("messages").select(columns).eq("session_id", sessionId);
        const { data, error } = await page.order("id", { ascending: false }).limit(messages);
        if (error !== null) throw error;
        return data.length;
      },
    }),
    close: async () => {},
  };
}
