import { invalidInput } from "./errors.ts";
import type { JsonObject, JsonValue } from "./json.ts";

/** Who said it. Stored as the memory type `message_` + role. */
export type MessageRole = "user" | "assistant" | "system" | "tool";

export const MESSAGE_ROLES: readonly MessageRole[] = ["user", "assistant", "system", "tool"];

/** Text of a message. */
export type TextPart = { type: "text"; text: string; providerOptions?: JsonObject };
/** An image: a URL, or base64 text. Binary data must be converted to base64 first. */
export type ImagePart = { type: "image"; image: string; mediaType?: string; providerOptions?: JsonObject };
/** A file: a URL, or base64 text. */
export type FilePart = {
  type: "file";
  data: string;
  mediaType: string;
  filename?: string;
  providerOptions?: JsonObject;
};
/** What the model thought. */
export type ReasoningPart = { type: "reasoning"; text: string; providerOptions?: JsonObject };
/** The model asks for a tool. */
export type ToolCallPart = {
  type: "tool-call";
  toolCallId: string;
  toolName: string;
  input: JsonValue;
  providerExecuted?: boolean;
  providerOptions?: JsonObject;
};
/** What a tool answered. */
export type ToolResultPart = {
  type: "tool-result";
  toolCallId: string;
  toolName: string;
  output: ToolResultOutput;
  providerOptions?: JsonObject;
};
export type ToolResultOutput =
  | { type: "text"; value: string }
  | { type: "json"; value: JsonValue }
  | { type: "error-text"; value: string }
  | { type: "error-json"; value: JsonValue }
  | { type: "content"; value: JsonObject[] };

export type MessagePart = TextPart | ImagePart | FilePart | ReasoningPart | ToolCallPart | ToolResultPart;

/**
 * A string, or parts with the field names that the AI SDK uses for its model messages. A part of a type that is not
 * listed is kept as it is.
 */
export type MessageContent = string | MessagePart[];

/** One message of a conversation: immutable, deeply frozen. */
export interface Message {
  readonly id: string;
  readonly role: MessageRole;
  readonly content: MessageContent;
  readonly metadata: JsonObject;
  readonly createdAt: Date;
}

export function isMessageRole(value: unknown): value is MessageRole {
  return MESSAGE_ROLES.some((role) => role === value);
}

/** The parts of a message; a string is one text part. */
export function messageParts(content: MessageContent): readonly MessagePart[] {
  return typeof content === "string" ? [{ type: "text", text: content }] : content;
}

const REQUIRED_STRINGS: Readonly<Record<string, readonly string[]>> = {
  text: ["text"],
  image: ["image"],
  file: ["data", "mediaType"],
  reasoning: ["text"],
  "tool-call": ["toolCallId", "toolName"],
  "tool-result": ["toolCallId", "toolName"],
};
const REQUIRED_VALUES: Readonly<Record<string, string>> = { "tool-call": "input", "tool-result": "output" };

/**
 * Checks that a JSON value has the shape of message content.
 *
 * @throws {MemoryError} `invalid_input` with the path of the offending part.
 */
export function assertMessageContent(value: JsonValue, path: string): asserts value is MessageContent & JsonValue {
  if (typeof value === "string") return;
  if (!Array.isArray(value)) throw invalidInput(path, "must be a string or an array of parts");
  for (const [index, part] of value.entries()) assertMessagePart(part, `${path}[${index}]`);
}

function assertMessagePart(part: JsonValue, path: string): void {
  if (typeof part !== "object" || part === null || Array.isArray(part)) {
    throw invalidInput(path, "must be a part: an object with a type");
  }
  const type = part["type"];
  if (typeof type !== "string" || type === "") throw invalidInput(`${path}.type`, "must be a non-empty string");
  if (!Object.hasOwn(REQUIRED_STRINGS, type)) return;
  for (const field of REQUIRED_STRINGS[type] ?? []) {
    if (typeof part[field] !== "string") {
      throw invalidInput(`${path}.${field}`, `must be a string (binary data as base64), for a part of type ${type}`);
    }
  }
  const required = REQUIRED_VALUES[type];
  if (required !== undefined && part[required] === undefined) {
    throw invalidInput(`${path}.${required}`, `is missing, for a part of type ${type}`);
  }
}
