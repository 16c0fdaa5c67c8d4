/** Which tool calls a message makes and answers: what must not be divided where messages are left out or removed. */
import type { Message } from "./message.ts";

export interface ToolLinks {
  /** The ids of its calls. */
  readonly calls: ReadonlySet<string>;
  /** Those of its calls whose results it holds itself. */
  readonly answeredHere: ReadonlySet<string>;
  /** The ids of calls that it answers and that messages before it make: of each the latest that there is. */
  readonly answers: readonly string[];
  /** Whether it is a plain tool message, which names no call and belongs to the assistant message before it. */
  readonly isPlainResult: boolean;
}

export function toolLinks({ role, content, metadata }: Pick<Message, "role" | "content" | "metadata">): ToolLinks {
  const calls = new Set<string>();
  const answeredHere = new Set<string>();
  const answers: string[] = [];
  for (const part of typeof content === "string" ? [] : content) {
    if (part.type === "tool-call") calls.add(part.toolCallId);
    if (part.type !== "tool-result") continue;
    if (calls.has(part.toolCallId)) answeredHere.add(part.toolCallId);
    else answers.push(part.toolCallId);
  }
  const isPlain = role === "tool" && answers.length === 0 && answeredHere.size === 0;
  const { toolCallId } = metadata;
  if (isPlain && typeof toolCallId === "string") answers.push(toolCallId);
  return { calls, answeredHere, answers, isPlainResult: isPlain && answers.length === 0 };
}
