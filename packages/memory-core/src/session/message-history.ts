import { invalidInput } from "../errors/errors.ts";
import { toAISDKPrompt, type AISDKPrompt } from "../message/formats/ai-sdk.ts";
import { toLangChainMessages, type LangChainMessage } from "../message/formats/langchain.ts";
import { toOpenAIMessages, type OpenAIMessage } from "../message/formats/openai.ts";
import { INSPECT } from "../errors/inspection.ts";
import { isMessageRole, type Message, type MessageRole } from "../message/message.ts";
import { readOptions, type OptionFields } from "../options/option-fields.ts";
import { assertLimit } from "../atom/validation.ts";

export interface MessageSelection {
  /** Only the last `limit` messages. Default: all. */
  limit?: number;
  /** Default: messages of all roles. */
  role?: MessageRole;
}

const SELECTION_FIELDS: OptionFields<MessageSelection> = { limit: "setting", role: "guard" };

/**
 * The messages of a session, oldest first: a live view, which grows as messages are added.
 *
 * @example
 * for (const message of session.history) console.log(message.role, message.content);
 * await openai.chat.completions.create({ model, messages: session.history.toOpenAI() });
 */
export class MessageHistory implements Iterable<Message> {
  readonly #current: () => readonly Message[];

  constructor(current: () => readonly Message[]) {
    this.#current = current;
  }

  /** The number of messages in this object; less than the stored number when only the last ones were loaded. */
  get length(): number {
    return this.#current().length;
  }

  [Symbol.iterator](): Iterator<Message> {
    return this.#current()[Symbol.iterator]();
  }

  /**
   * Copies the messages to a new array, oldest first; optionally of one role, and only the last `limit` of them.
   *
   * @throws {MemoryError} `invalid_input` for an invalid role or limit.
   */
  messages(options: MessageSelection = {}): Message[] {
    const { limit, role } = readOptions(options, SELECTION_FIELDS, "options");
    if (limit !== undefined) assertLimit(limit, "limit");
    if (role !== undefined && !isMessageRole(role)) {
      throw invalidInput("role", "is not a role; expected user, assistant, system or tool");
    }
    const messages = this.#current();
    const ofRole = role === undefined ? messages : messages.filter((message) => message.role === role);
    return limit === undefined ? [...ofRole] : ofRole.slice(-limit);
  }

  /** The messages for `JSON.stringify`, oldest first. */
  toJSON(): Message[] {
    return this.messages();
  }

  /** The messages for `console.log`. */
  [INSPECT](): Message[] {
    return this.messages();
  }

  /** The prompt for the AI SDK's `generateText` and `streamText`: spread it into their options. */
  toAISDK(): AISDKPrompt {
    return toAISDKPrompt(this.#current());
  }

  /** The messages in the format of OpenAI's chat completions. */
  toOpenAI(): OpenAIMessage[] {
    return toOpenAIMessages(this.#current());
  }

  /** The messages in the form that LangChain's `coerceMessageLikeToMessage` and chat models accept. */
  toLangChain(): LangChainMessage[] {
    return toLangChainMessages(this.#current());
  }
}
