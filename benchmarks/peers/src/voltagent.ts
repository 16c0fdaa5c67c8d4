import { randomUUID } from "node:crypto";
import { LibSQLMemoryAdapter } from "@voltagent/libsql";
import { PostgreSQLMemoryAdapter } from "@voltagent/postgres";
import { SupabaseMemoryAdapter } from "@voltagent/supabase";
import type { Place, Store } from "../../src/comparison/store.ts";
import { ANSWER, QUESTION, USER } from "../../src/workload.ts";

/** VoltAgent's memory adapters, called as its `Memory` calls them. */
export async function openStore(place: Place): Promise<Store> {
  const adapter = adapterAt(place);
  const messageOf = (role: "user" | "assistant", text: string) => ({
    id: randomUUID(),
    role,
    parts: [{ type: "text" as const, text }],
  });
  return {
    openSession: async (id) => {
      await adapter.createConversation({ id, resourceId: "assistant", userId: USER, title: id, metadata: {} });
      return {
        saveTurn: () => adapter.addMessages([messageOf("user", QUESTION), messageOf("assistant", ANSWER)], USER, id),
        fill: async (count) => {
          for (let done = 0; done < count; done += 100) {
            const length = Math.min(100, count - done);
            await adapter.addMessages(
              Array.from({ length }, () => messageOf("user", QUESTION)),
              USER,
              id,
            );
          }
        },
        load: async () => (await adapter.getMessages(USER, id)).length,
        loadLast: async (limit) => (await adapter.getMessages(USER, id, { limit })).length,
      };
    },
    listSessions: async (limit) => {
      const query = { userId: USER, limit, orderBy: "updated_at", orderDirection: "DESC" } as const;
      return (await adapter.queryConversations(query)).length;
    },
    close: async () => {
      if ("close" in adapter) await adapter.close();
    },
  };
}

function adapterAt({ url, key = "" }: Place) {
  if (url.startsWith("sqlite:")) return new LibSQLMemoryAdapter({ url: `file:${url.slice("sqlite:".length)}` });
  if (url.startsWith("http:")) return new SupabaseMemoryAdapter({ supabaseUrl: url, supabaseKey: key });
  return new PostgreSQLMemoryAdapter({ connection: url });
}
