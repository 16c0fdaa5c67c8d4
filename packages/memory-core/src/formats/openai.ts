import type { Message } from "../message.ts";
export type OpenAIMessage = { role: string };
export function toOpenAIMessages(messages: readonly Message[]): OpenAIMessage[] {
  return messages.map(({ role }) => ({ role }));
}
