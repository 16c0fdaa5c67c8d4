import type { Message } from "../message.ts";
export type LangChainMessage = { role: string };
export function toLangChainMessages(messages: readonly Message[]): LangChainMessage[] {
  return messages.map(({ role }) => ({ role }));
}
