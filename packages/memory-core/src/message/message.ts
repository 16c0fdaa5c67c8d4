import { invalidInput, type MemoryError } from "../errors/errors.ts";
import { foreignPart, SHAPES, wrongContent } from "./foreign-content.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json/json.ts";

/** The author of a message. Stored as the memory type `message_` + role. */
export type MessageRole = "user" | "assistant" | "system" | "tool";

export const MESSAGE_ROLES: readonly MessageRole[] = ["user", "assistant", "system", "tool"];

/** Options that only one provider understands, by the provider's name. */
export type ProviderOptions = Record<string, JsonObject>;
/** The ids that providers assigned to an upload, by the provider's name. */
export type ProviderReference = Record<string, string> & { type?: never };

/** Text of a message. */
export type TextPart = { type: "text"; text: string; providerOptions?: ProviderOptions };
/** An image: a URL or base64 text, or a reference. */
export type ImagePart = {
  type: "image";
  image: string | ProviderReference;
  mediaType?: string;
  providerOptions?: ProviderOptions;
};
/** A file: an image, a document, a recording. */
export type FilePart = {
  type: "file";
  data: FileData;
  mediaType: string;
  filename?: string;
  providerOptions?: ProviderOptions;
};
/** The reasoning of the model. */
export type ReasoningPart = { type: "reasoning"; text: string; providerOptions?: ProviderOptions };
/** A tool call of the model. */
export type ToolCallPart = {
  type: "tool-call";
  toolCallId: string;
  toolName: string;
  input: JsonValue;
  providerExecuted?: boolean;
  providerOptions?: ProviderOptions;
};
/** The result of a tool call. */
export type ToolResultPart = {
  type: "tool-result";
  toolCallId: string;
  toolName: string;
  output: ToolResultOutput;
  providerOptions?: ProviderOptions;
};
export type ToolResultOutput =
  | { type: "text"; value: string; providerOptions?: ProviderOptions }
  | { type: "json"; value: JsonValue; providerOptions?: ProviderOptions }
  | { type: "execution-denied"; reason?: string; providerOptions?: ProviderOptions }
  | { type: "error-text"; value: string; providerOptions?: ProviderOptions }
  | { type: "error-json"; value: JsonValue; providerOptions?: ProviderOptions }
  | { type: "content"; value: JsonObject[] };

/**
 * The content of a file: a URL or base64 text, or a reference, bare or tagged; or plain text. Binary data must be
 * converted to base64 first.
 */
export type FileData =
  | string
  | { type: "data"; data: string }
  | { type: "url"; url: string }
  | { type: "text"; text: string }
  | { type: "reference"; reference: ProviderReference }
  | ProviderReference;

export type MessagePart = TextPart | ImagePart | FilePart | ReasoningPart | ToolCallPart | ToolResultPart;

/**
 * A string, or parts with the field names of the AI SDK's model messages. A part of an unlisted type is stored
 * unchanged, and left out of the formats of other SDKs. A part in the format of a provider's API, such as Anthropic's
 * `tool_use` or OpenAI's `image_url`, is refused when the message is added, because no context window or format would
 * recognise it.
 */
export type MessageContent = string | MessagePart[];

type NewPart<Part> = Part & { readonly providerOptions?: Readonly<Record<string, unknown>> };
type NewToolResultOutput =
  | { readonly type: "text" | "error-text"; readonly value: string }
  | { readonly type: "json" | "error-json"; readonly value: unknown }
  | { readonly type: "content"; readonly value: readonly object[] }
  | { readonly type: "execution-denied"; readonly reason?: string };

/**
 * A message part that callers may pass: `MessagePart`, or any part of the AI SDK's model messages. Fields that its type
 * leaves open are checked when the message is added, so that binary data is refused there.
 */
export type NewMessagePart =
  | NewPart<{ readonly type: "text" | "reasoning"; readonly text: string }>
  | NewPart<{ readonly type: "image"; readonly image: string | object; readonly mediaType?: string }>
  | NewPart<{
      readonly type: "file";
      readonly data: string | object;
      readonly mediaType: string;
      readonly filename?: string;
    }>
  | NewPart<{
      readonly type: "tool-call";
      readonly toolCallId: string;
      readonly toolName: string;
      readonly input: unknown;
      readonly providerExecuted?: boolean;
    }>
  | NewPart<{
      readonly type: "tool-result";
      readonly toolCallId: string;
      readonly toolName: string;
      readonly output: NewToolResultOutput;
    }>
  | NewPart<{ readonly type: "custom" | "reasoning-file" | "tool-approval-request" | "tool-approval-response" }>;

/** Content that callers may pass to a new message; it is stored as `MessageContent`. */
export type NewMessageContent = string | readonly NewMessagePart[];

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
  file: ["mediaType"],
  reasoning: ["text"],
  "tool-call": ["toolCallId", "toolName"],
  "tool-result": ["toolCallId", "toolName"],
};
const OPTIONAL_STRINGS: Readonly<Record<string, readonly string[]>> = { image: ["mediaType"], file: ["filename"] };

/**
 * Checks that a JSON value has the shape of message content.
 *
 * @throws {MemoryError} `invalid_input` with the path of the offending part.
 */
export function assertMessageContent(value: JsonValue, path: string): asserts value is MessageContent & JsonValue {
  if (typeof value === "string") return;
  if (!Array.isArray(value)) throw wrongContent(value, path);
  for (const [index, part] of value.entries()) assertMessagePart(part, `${path}[${index}]`);
}

/**
 * Checks the content of a new message: in addition to {@link assertMessageContent}, that no part has the format of a
 * provider's API. Content that is already stored is read unchanged.
 *
 * @throws {MemoryError} `invalid_input` with the path of the offending part, and the expected shape.
 */
export function assertNewContent(value: JsonValue, path: string): asserts value is MessageContent & JsonValue {
  for (const [index, part] of Array.isArray(value) ? value.entries() : []) {
    const refusal = isJsonObject(part) ? foreignPart(part, `${path}[${index}]`) : undefined;
    if (refusal !== undefined) throw refusal;
  }
  assertMessageContent(value, path);
}

function assertMessagePart(part: JsonValue, path: string): void {
  if (!isJsonObject(part)) throw invalidInput(path, "must be a part: an object with a type");
  const type = part["type"];
  if (typeof type !== "string" || type === "") throw invalidInput(`${path}.type`, "must be a non-empty string");
  for (const field of ownValue(REQUIRED_STRINGS, type) ?? []) {
    if (typeof part[field] !== "string") {
      throw invalidInput(`${path}.${field}`, `must be a string, for a part of type ${type}${shapeOf(type)}`);
    }
  }
  for (const field of ownValue(OPTIONAL_STRINGS, type) ?? []) {
    if (part[field] !== undefined && typeof part[field] !== "string") {
      throw invalidInput(`${path}.${field}`, `must be a string or left out, for a part of type ${type}`);
    }
  }
  if (type === "tool-call" && part["input"] === undefined) {
    throw invalidInput(`${path}.input`, `is missing, for a part of type ${type}${shapeOf(type)}`);
  }
  if (type === "tool-result") assertToolResultOutput(part["output"], `${path}.output`);
  if (type === "image" && !isBareFileData(part["image"])) throw notFileData(`${path}.image`, type);
  if (type === "file" && !isFileData(part["data"])) throw notFileData(`${path}.data`, type);
}

function notFileData(path: string, type: string): MemoryError {
  return invalidInput(path, `must be a URL or base64 text, for a part of type ${type}${shapeOf(type)}`);
}

function shapeOf(type: string): string {
  const shape = SHAPES.get(type);
  return shape === undefined ? "" : `; expected ${shape}`;
}

/** Checks an output. Like a part, an output of an unlisted type is kept unchanged. */
function assertToolResultOutput(output: JsonValue | undefined, path: string): void {
  if (!isJsonObject(output) || typeof output["type"] !== "string") {
    throw invalidInput(path, 'must be an object with a type, such as { type: "text", value: "…" }');
  }
  const { type, value } = output;
  if ((type === "text" || type === "error-text") && typeof value !== "string") {
    throw invalidInput(`${path}.value`, `must be a string, for an output of type ${type}`);
  }
  if ((type === "json" || type === "error-json") && value === undefined) {
    throw invalidInput(`${path}.value`, `is missing, for an output of type ${type}`);
  }
  if (type === "content" && !(Array.isArray(value) && value.every(isJsonObject))) {
    throw invalidInput(`${path}.value`, `must be an array of objects, for an output of type ${type}`);
  }
}

/** Looks up own keys only, so that a part type named `constructor` does not match `Object.prototype`. */
function ownValue<Value>(table: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** Whether a value is the content of a file in one of the forms of {@link FileData}. */
export function isFileData(value: JsonValue | undefined): value is FileData & JsonValue {
  if (!isJsonObject(value) || value["type"] === undefined) return isBareFileData(value);
  const { type } = value;
  if (type === "data" || type === "url" || type === "text") return typeof value[type] === "string";
  return type === "reference" && isProviderReference(value["reference"]);
}

/** Whether a value is untagged content of a file. */
export function isBareFileData(value: JsonValue | undefined): value is string | ProviderReference {
  return typeof value === "string" || isProviderReference(value);
}

/** Whether a value has the shape of provider options: objects by the provider's name. */
export function isProviderOptions(value: JsonValue | undefined): value is ProviderOptions {
  return isJsonObject(value) && Object.values(value).every(isJsonObject);
}

function isProviderReference(value: JsonValue | undefined): value is ProviderReference {
  return isJsonObject(value) && !("type" in value) && Object.values(value).every((id) => typeof id === "string");
}
