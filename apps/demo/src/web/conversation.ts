/** A conversation of a visitor and an assistant. Each message is saved before the next one. */
import type { MemoryStorage, Session } from "@rivet/memory-core";
import type { Answer } from "./model.ts";
import { replyTo } from "./technician.ts";

export class Conversation {
  readonly #session: Session;
  readonly #storage: MemoryStorage;
  readonly #answer: Answer | undefined;
  #latest: Promise<void> = Promise.resolve();
  #calls = 0;

  /** @param answer The answers of a model; undefined for the script. */
  constructor(session: Session, storage: MemoryStorage, answer: Answer | undefined) {
    this.#session = session;
    this.#storage = storage;
    this.#answer = answer;
  }

  /**
   * Saves the question and answers it; resolves when both are saved. Questions are answered in the order of their
   * arrival.
   */
  ask(question: string): Promise<void> {
    const answered = this.#latest.then(() => this.#talk(question));
    this.#latest = answered.catch(() => undefined);
    return answered;
  }

  async #talk(question: string): Promise<void> {
    this.#session.addUserMessage(question);
    await this.#session.save();
    if (this.#answer === undefined) await this.#followScript(question);
    else this.#session.addAssistantMessage(await this.#askModel(this.#answer));
    await this.#session.save();
  }

  /** Asks the model. A failure of the model ends neither the conversation nor the demo. */
  async #askModel(answer: Answer): Promise<string> {
    try {
      return await answer(this.#session.history.messages());
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return `The model did not answer: ${reason}. Without OPENAI_API_KEY, a script answers, which needs no network.`;
    }
  }

  async #followScript(question: string): Promise<void> {
    const { lookUp, text, decision } = replyTo(question);
    if (lookUp !== undefined) {
      const { parameter, value } = lookUp;
      const call = { toolCallId: `look-up-${(this.#calls += 1)}`, toolName: "read_parameter" };
      this.#session.addAssistantMessage([{ type: "tool-call", ...call, input: { parameter } }]);
      this.#session.addToolMessage([{ type: "tool-result", ...call, output: { type: "text", value } }]);
    }
    this.#session.addAssistantMessage(text);
    if (decision === undefined) return;
    await this.#session.save();
    const { sessionId, userId } = this.#session;
    await this.#storage.saveMemoryAtom({ sessionId, userId, memoryType: "decision", content: decision });
  }
}
