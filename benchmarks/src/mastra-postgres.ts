import { randomUUID } from "node:crypto";
import { PostgresStore } from "@mastra/pg";
import { ANSWER, QUESTION, USER } from "./workload.ts";

/** A thread of Mastra's memory in the same server, saved to as its agents do. */
export class MastraThread {
  readonly #store: PostgresStore;
  readonly #threadId = randomUUID();
  #save: ((turn: { text: string; role: "user" | "assistant" }[]) => Promise<unknown>) | undefined;

  constructor(connectionString: string) {
    this.#store = new PostgresStore({ id: "bench", connectionString });
  }

  async open(): Promise<void> {
    await this.#store.init();
    const memory = await this.#store.getStore("memory");
    if (memory === undefined) throw new Error("Mastra's store has no memory");
    const now = new Date();
    const thread = { id: this.#threadId, resourceId: USER, title: "Drive in line 3", metadata: {} };
    await memory.saveThread({ thread: { ...thread, createdAt: now, updatedAt: now } });
    this.#save = (turn) =>
      memory.saveMessages({
        messages: turn.map(({ text, role }) => ({
          id: randomUUID(),
          threadId: this.#threadId,
          resourceId: USER,
          role,
          createdAt: new Date(),
          content: { format: 2, parts: [{ type: "text", text }] },
        })),
      });
  }

  async saveTurn(): Promise<void> {
    await this.#save?.([
      { text: QUESTION, role: "user" },
      { text: ANSWER, role: "assistant" },
    ]);
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
