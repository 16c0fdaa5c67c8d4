import { InMemoryStorage } from "@rivet/memory-inmemory";
import { Session, type MemoryStorage } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { SupabaseMemoryStorage } from "@rivet/memory-supabase";
import { ANSWER, QUESTION, USER } from "../../workload.ts";
import type { Place, Store } from "../store.ts";

/** Rivet Memory, with its defaults. */
export async function openStore(place: Place): Promise<Store> {
  return storeOf(await storageAt(place).open());
}

export function storeOf(storage: MemoryStorage): Store {
  return {
    openSession: async (sessionId) => {
      const session = new Session({ userId: USER, sessionId, storage });
      return {
        saveTurn: async () => {
          session.addUserMessage(QUESTION);
          session.addAssistantMessage(ANSWER);
          await session.save();
        },
        fill: async (messages) => {
          for (let index = 0; index < messages; index++) session.addUserMessage(QUESTION);
          await session.save();
        },
        load: async () => (await storage.loadSession(sessionId))?.history.length ?? 0,
        loadLast: async (lastMessages) => (await storage.loadSession(sessionId, { lastMessages }))?.history.length ?? 0,
      };
    },
    listSessions: async (limit) => (await storage.listSessions({ userId: USER, limit })).length,
    close: () => storage.close(),
  };
}

function storageAt({ url, key = "" }: Place): MemoryStorage {
  if (url === "memory:") return new InMemoryStorage();
  if (url.startsWith("sqlite:")) return new SQLiteStorage(url.slice("sqlite:".length));
  if (url.startsWith("http:")) return new SupabaseMemoryStorage({ url, key });
  return new PostgresMemoryStorage({ connectionString: url });
}
