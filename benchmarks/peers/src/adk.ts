import { createEvent, DatabaseSessionService } from "@google/adk";
import type { Place, Store } from "../../src/comparison/store.ts";
import { ANSWER, QUESTION, USER } from "../../src/workload.ts";

const OF = { appName: "bench", userId: USER };

/** Google ADK's database sessions, called as its `Runner` calls them. */
export async function openStore({ url }: Place): Promise<Store> {
  const service = new DatabaseSessionService(url);
  await service.init();
  return {
    openSession: async (sessionId) => {
      const session = await service.createSession({ ...OF, sessionId });
      const append = async (author: "user" | "model", text: string): Promise<void> => {
        const content = { role: author, parts: [{ text }] };
        await service.appendEvent({ session, event: createEvent({ invocationId: "bench", author, content }) });
      };
      const load = async (numRecentEvents?: number): Promise<number> => {
        const config = numRecentEvents === undefined ? {} : { config: { numRecentEvents } };
        return (await service.getSession({ ...OF, sessionId, ...config }))?.events.length ?? 0;
      };
      return {
        saveTurn: async () => {
          await append("user", QUESTION);
          await append("model", ANSWER);
        },
        fill: async (messages) => {
          for (let index = 0; index < messages; index++) await append("user", QUESTION);
        },
        load: () => load(),
        loadLast: load,
      };
    },
    listSessions: async (limit) => (await service.listSessions({ ...OF, limit, order: "desc" })).sessions.length,
    close: async () => {},
  };
}
