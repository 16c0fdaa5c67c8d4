import {
  AtomClock,
  type JsonObject,
  type JsonValue,
  type Message,
  type MessageContent,
  type MessageRole,
  type ToolCallPart,
  type ToolResultOutput,
  type ToolResultPart,
} from "../src/index.ts";

const clock = new AtomClock();

/** A message as a session holds it, without a session. */
export function messageOf(role: MessageRole, content: MessageContent, metadata: JsonObject = {}): Message {
  return { id: clock.next(), role, content, metadata, createdAt: new Date() };
}

export function callPart(toolCallId: string, input: JsonValue): ToolCallPart {
  return { type: "tool-call", toolCallId, toolName: "readDrive", input };
}

export function resultPart(toolCallId: string, output: ToolResultOutput): ToolResultPart {
  return { type: "tool-result", toolCallId, toolName: "readDrive", output };
}
