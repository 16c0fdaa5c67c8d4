import { MemoryError, type Session } from "@rivet/memory-core";
import { USER } from "../workload.ts";
import type { Agent, AgentContext } from "./agent.ts";
import type { HandedSession } from "./writer-settings.ts";

/** Steps in which it leaves the sessions that are handed over to those who go on with them. */
const IDLE_SHARE = 0.9;
/** Of the sessions that it reads, how many it deletes; of the others it deletes a message. */
const DELETED_SHARE = 0.3;

/**
 * Reads what agents elsewhere have written, deletes some of it, and erases users. Its writers may be going on with it:
 * what is acknowledged to be deleted must not come back with what they save.
 */
export class RivetReader implements Agent {
  readonly #context: AgentContext;
  readonly #random: () => number;

  constructor(context: AgentContext, random: () => number) {
    this.#context = context;
    this.#random = random;
  }

  async step(): Promise<void> {
    const handed = this.#random() < IDLE_SHARE ? undefined : this.#context.takeOver();
    if (handed === undefined) return;
    try {
      const session = await this.#read(handed);
      if (session === undefined) return this.#context.putBack(handed);
      if (session.userId !== USER) return await this.#eraseUser(session);
      await (this.#random() < DELETED_SHARE ? this.#deleteSession(session) : this.#deleteMessage(session));
    } catch (error) {
      if (!MemoryError.isInstance(error)) throw error;
      const { operation = "unknown", code, message } = error;
      this.#context.log.add({ event: "failed", sessionId: handed.sessionId, operation, code, message });
    }
  }

  async #read({ sessionId, throughId }: HandedSession): Promise<Session | undefined> {
    const session = await this.#context.storage.loadSession(sessionId);
    const isComplete = session !== null && [...session.history].some(({ id }) => id === throughId);
    this.#context.log.add({ event: "read", sessionId, isComplete });
    return isComplete ? session : undefined;
  }

  async #deleteMessage({ sessionId, history }: Session): Promise<void> {
    const messages = [...history];
    const message = messages[Math.floor(this.#random() * messages.length)];
    const token = /<(w[0-9.]+)>/.exec(String(message?.content).slice(0, 100))?.[1];
    if (message === undefined || token === undefined) return;
    this.#context.log.add({ event: "deleting", sessionId, tokens: [token] });
    const deleted = await this.#context.storage.deleteMemoryAtoms(sessionId, [message.id]);
    if (deleted > 0) this.#context.log.add({ event: "deleted", sessionId, tokens: [token] });
  }

  async #deleteSession({ sessionId }: Session): Promise<void> {
    this.#context.log.add({ event: "deleting", sessionId });
    if (await this.#context.storage.deleteSession(sessionId)) this.#context.log.add({ event: "deleted", sessionId });
  }

  /** A user who may be erased has one session. */
  async #eraseUser({ sessionId, userId }: Session): Promise<void> {
    this.#context.log.add({ event: "deleting", sessionId });
    const { sessions } = await this.#context.storage.deleteUser(userId);
    if (sessions > 0) this.#context.log.add({ event: "deleted", sessionId });
  }
}
