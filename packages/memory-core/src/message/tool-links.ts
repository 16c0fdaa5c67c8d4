/** Finds the tool calls that a message contains and answers. Calls and results must be kept or removed together. */
import type { Message } from "./message.ts";

export interface ToolLinks {
  /** The ids of its calls. */
  readonly calls: ReadonlySet<string>;
  /** The ids of its calls whose results it contains itself. */
  readonly answeredHere: ReadonlySet<string>;
  /** Ids of the earlier tool calls that this message answers. If an id was reused, the latest call before it counts. */
  readonly answers: readonly string[];
  /** Whether it is a plain tool message, which contains no call id and answers the preceding assistant message. */
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
