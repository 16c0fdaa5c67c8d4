/** Messages in the shape that chat APIs share: a tool's result is a turn of its own, right after the turn of its call. */
import { messageParts, type Message, type MessagePart, type MessageRole, type ToolResultPart } from "../message.ts";

/** A part that is not a tool's result. */
export type SpokenPart = Exclude<MessagePart, ToolResultPart>;

export type Turn =
  | { readonly role: Exclude<MessageRole, "tool">; readonly parts: readonly SpokenPart[] }
  | { readonly role: "tool"; readonly result: ToolResultPart };

/**
 * The turns of a conversation, in order. A message with results becomes several turns: what was said and called before
 * the results, the results, and what was said after them.
 *
 * A tool message of plain text answers the call that its `metadata.toolCallId` names, or else the first call of the
 * assistant before it that has no answer yet. Without such a call it answers its own id, which no API will accept.
 */
export function toTurns(messages: readonly Message[]): Turn[] {
  const turns: Turn[] = [];
  const toolNames = new Map<string, string>();
  let unanswered: string[] = [];

  const answer = (result: ToolResultPart): void => {
    unanswered = unanswered.filter((toolCallId) => toolCallId !== result.toolCallId);
    turns.push({ role: "tool", result });
  };

  for (const message of messages) {
    const { role } = message;
    const parts = messageParts(message.content);
    if (role === "tool") {
      const results = parts.filter((part) => part.type === "tool-result");
      if (results.length > 0) results.forEach(answer);
      else answer(plainResult(message, unanswered[0] ?? message.id, toolNames));
      continue;
    }
    unanswered = [];
    for (const segment of splitAfterResults(parts)) {
      for (const part of segment.parts) {
        if (part.type !== "tool-call") continue;
        unanswered.push(part.toolCallId);
        toolNames.set(part.toolCallId, part.toolName);
      }
      if (segment.parts.length > 0 || segment.results.length === 0) turns.push({ role, parts: segment.parts });
      segment.results.forEach(answer);
    }
  }
  return turns;
}

function plainResult(message: Message, fallbackId: string, toolNames: ReadonlyMap<string, string>): ToolResultPart {
  const { content, metadata } = message;
  const toolCallId = typeof metadata["toolCallId"] === "string" ? metadata["toolCallId"] : fallbackId;
  const output: ToolResultPart["output"] =
    typeof content === "string" ? { type: "text", value: content } : { type: "content", value: content };
  return { type: "tool-result", toolCallId, toolName: toolNames.get(toolCallId) ?? "", output };
}

interface Segment {
  readonly parts: SpokenPart[];
  readonly results: ToolResultPart[];
}

/** A new segment begins where something is said after results, unless a call of the segment still waits for its own. */
function splitAfterResults(parts: readonly MessagePart[]): Segment[] {
  let segment: Segment = { parts: [], results: [] };
  const segments = [segment];
  const waiting = new Set<string>();
  for (const part of parts) {
    if (part.type === "tool-result") {
      segment.results.push(part);
      waiting.delete(part.toolCallId);
      continue;
    }
    if (segment.results.length > 0 && waiting.size === 0) {
      segment = { parts: [], results: [] };
      segments.push(segment);
    }
    segment.parts.push(part);
    if (part.type === "tool-call") waiting.add(part.toolCallId);
  }
  return segments;
}
