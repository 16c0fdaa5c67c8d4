import { randomUUID } from "node:crypto";
import { LibSQLStore } from "@mastra/libsql";
import { PostgresStore } from "@mastra/pg";
import type { Place, Store } from "../../src/comparison/store.ts";
import { ANSWER, QUESTION, USER } from "../../src/workload.ts";

/** Mastra's storage, called as its `Memory` calls it. */
export async function openStore({ url }: Place): Promise<Store> {
  const store = url.startsWith("sqlite:")
    ? new LibSQLStore({ id: "bench", url: `file:${url.slice("sqlite:".length)}` })
    : new PostgresStore({ id: "bench", connectionString: url });
  await store.init();
  const memory = await store.getStore("memory");
  if (memory === undefined) throw new Error("Mastra's store has no memory");
  return {
    openSession: async (threadId) => {
      const now = new Date();
      await memory.saveThread({
        thread: { id: threadId, resourceId: USER, title: threadId, metadata: {}, createdAt: now, updatedAt: now },
      });
      const messageOf = (role: "user" | "assistant", text: string) => ({
        id: randomUUID(),
        threadId,
        resourceId: USER,
        role,
        createdAt: new Date(),
        content: { format: 2 as const, parts: [{ type: "text" as const, text }] },
      });
      return {
        saveTurn: async () => {
          await memory.saveMessages({ messages: [messageOf("user", QUESTION), messageOf("assistant", ANSWER)] });
        },
        fill: async (count) => {
          for (let done = 0; done < count; done += 100) {
            const length = Math.min(100, count - done);
            await memory.saveMessages({ messages: Array.from({ length }, () => messageOf("user", QUESTION)) });
          }
        },
        load: async () => (await memory.listMessages({ threadId, perPage: false })).messages.length,
        loadLast: async (perPage) => {
          const orderBy = { field: "createdAt", direction: "DESC" } as const;
          return (await memory.listMessages({ threadId, perPage, page: 0, orderBy })).messages.length;
        },
      };
    },
    listSessions: async (perPage) => {
      const orderBy = { field: "updatedAt", direction: "DESC" } as const;
      const { threads } = await memory.listThreads({ filter: { resourceId: USER }, perPage, page: 0, orderBy });
      return threads.length;
    },
    close: () => store.close(),
  };
}
