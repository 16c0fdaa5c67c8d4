/**
 * Converts messages to the turns that chat APIs share: each tool result is a separate turn, right after the turn of its
 * call.
 */
import { isJsonObject, type JsonObject } from "../../json/json.ts";
import { messageParts, type Message, type MessagePart, type MessageRole, type ToolResultPart } from "../message.ts";

export type Turn =
  | { readonly role: Exclude<MessageRole, "tool">; readonly parts: readonly MessagePart[] }
  | { readonly role: "tool"; readonly result: ToolResultPart }
  /** The user's decisions on calls that wait for approval; only the AI SDK supports them. */
  | { readonly role: "approval"; readonly parts: readonly JsonObject[] };

export interface TurnOptions {
  /**
   * Whether the results of tools that the provider ran itself `move` to turns of their own, or `stay` among the parts
   * of the message. Default: `move`.
   */
  readonly resultsOfProvider?: "move" | "stay";
}

/**
 * The turns of a conversation. A message with results becomes several turns: its parts before the results, the results,
 * and its parts after them. A late result, after other messages, moves to the turn of its call.
 *
 * A plain-text tool message answers the call in its `metadata.toolCallId`, or else the first call of the preceding
 * assistant message that has no answer yet. Without such a call it answers its own id, which no API will accept.
 */
export function toTurns(messages: readonly Message[], { resultsOfProvider = "move" }: TurnOptions = {}): Turn[] {
  /** Turns with spoken parts, each followed by the results of its calls. */
  const groups: Turn[][] = [];
  const groupOfCall = new Map<string, Turn[]>();
  const toolNames = new Map<string, string>();
  const unanswered = new Set<string>();

  const begin = (...turns: Turn[]): Turn[] => {
    groups.push(turns);
    return turns;
  };
  const answer = (result: ToolResultPart): void => {
    unanswered.delete(result.toolCallId);
    (groupOfCall.get(result.toolCallId) ?? begin()).push({ role: "tool", result });
  };

  for (const message of messages) {
    const { role } = message;
    const parts = messageParts(message.content);
    if (role === "tool") {
      const results = parts.filter((part) => part.type === "tool-result");
      const approvals = parts
        .filter(isJsonObject)
        .filter((part: JsonObject) => part["type"] === "tool-approval-response");
      if (approvals.length > 0) begin({ role: "approval", parts: approvals });
      if (results.length > 0) results.forEach(answer);
      else if (approvals.length === 0) {
        const [firstUnanswered = message.id] = unanswered;
        answer(plainResult(message, firstUnanswered, toolNames));
      }
      continue;
    }
    unanswered.clear();
    const staying = resultsOfProvider === "stay" ? callsOfProvider(parts) : NO_CALLS;
    for (const segment of splitAfterResults(parts, staying)) {
      const isSpoken = segment.parts.length > 0 || segment.results.length === 0;
      const group = isSpoken ? begin({ role, parts: segment.parts }) : undefined;
      for (const part of segment.parts) {
        if (part.type !== "tool-call") continue;
        toolNames.set(part.toolCallId, part.toolName);
        if (staying.has(part.toolCallId)) continue;
        unanswered.add(part.toolCallId);
        if (group !== undefined) groupOfCall.set(part.toolCallId, group);
      }
      segment.results.forEach(answer);
    }
  }
  return groups.flat();
}

const NO_CALLS: ReadonlySet<string> = new Set();

function callsOfProvider(parts: readonly MessagePart[]): ReadonlySet<string> {
  const calls = parts.filter((part) => part.type === "tool-call" && part.providerExecuted === true);
  return new Set(calls.map((part) => (part.type === "tool-call" ? part.toolCallId : "")));
}

function plainResult(message: Message, fallbackId: string, toolNames: ReadonlyMap<string, string>): ToolResultPart {
  const { content, metadata } = message;
  const toolCallId = typeof metadata["toolCallId"] === "string" ? metadata["toolCallId"] : fallbackId;
  const output: ToolResultPart["output"] =
    typeof content === "string" ? { type: "text", value: content } : { type: "content", value: content };
  return { type: "tool-result", toolCallId, toolName: toolNames.get(toolCallId) ?? "", output };
}

interface Segment {
  readonly parts: MessagePart[];
  readonly results: ToolResultPart[];
}

/**
 * Splits parts into segments. A new segment begins at the first part after results, unless a call of the segment still
 * waits for its result.
 *
 * @param staying Calls whose results stay among the parts.
 */
function splitAfterResults(parts: readonly MessagePart[], staying: ReadonlySet<string>): Segment[] {
  let segment: Segment = { parts: [], results: [] };
  const segments = [segment];
  const waiting = new Set<string>();
  for (const part of parts) {
    if (part.type === "tool-result" && !staying.has(part.toolCallId)) {
      segment.results.push(part);
      waiting.delete(part.toolCallId);
      continue;
    }
    if (segment.results.length > 0 && waiting.size === 0) {
      segment = { parts: [], results: [] };
      segments.push(segment);
    }
    segment.parts.push(part);
    if (part.type === "tool-call" && !staying.has(part.toolCallId)) waiting.add(part.toolCallId);
  }
  return segments;
}
