import { MemorySession } from "@openai/agents-core";
import type { Store } from "../../src/comparison/store.ts";
import { ANSWER, QUESTION } from "../../src/workload.ts";

/** The in-memory session of the OpenAI Agents SDK. */
export async function openStore(): Promise<Store> {
  const question = { role: "user" as const, content: QUESTION };
  const answer = {
    role: "assistant" as const,
    status: "completed" as const,
    content: [{ type: "output_text" as const, text: ANSWER }],
  };
  return {
    openSession: async (sessionId) => {
      const session = new MemorySession({ sessionId });
      return {
        saveTurn: () => session.addItems([question, answer]),
        fill: (length) => session.addItems(Array.from({ length }, () => question)),
        load: async () => (await session.getItems()).length,
        loadLast: async (limit) => (await session.getItems(limit)).length,
      };
    },
    close: async () => {},
  };
}
