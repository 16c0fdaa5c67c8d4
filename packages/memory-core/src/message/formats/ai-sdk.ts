/**
 * Converts messages to the form that the AI SDK's `generateText` and `streamText` take: its own parts, with separate
 * instructions.
 */
import type { JsonObject } from "../../json/json.ts";
import {
  isProviderOptions,
  type FileData,
  type FilePart,
  type Message,
  type MessagePart,
  type ProviderOptions,
  type ToolResultOutput,
  type ToolResultPart,
} from "../message.ts";
import { readToolContent } from "./media.ts";
import { toTurns } from "./turns.ts";

type AISDKInstruction = { role: "system"; content: string; providerOptions?: ProviderOptions };
/** The AI SDK requires tagged URLs to be `URL` objects. */
type AISDKFileData = Exclude<FileData, { type: "url" }> | { type: "url"; url: URL };
type AISDKFilePart = Omit<FilePart, "data"> & { data: AISDKFileData };
type AISDKToolContent =
  | { type: "text"; text: string; providerOptions?: ProviderOptions }
  | { type: "file"; data: Exclude<AISDKFileData, string | { type?: never }>; mediaType: string; filename?: string };
type AISDKToolOutput = Exclude<ToolResultOutput, { type: "content" }> | { type: "content"; value: AISDKToolContent[] };
type AISDKToolResult = Omit<ToolResultPart, "output"> & { output: AISDKToolOutput };
type AISDKToolApproval = { type: "tool-approval-response"; approvalId: string; approved: boolean; reason?: string };
type AISDKUserPart = Extract<MessagePart, { type: "text" | "image" }> | AISDKFilePart;
type AISDKAssistantPart =
  | Extract<MessagePart, { type: "text" | "reasoning" | "tool-call" }>
  | AISDKFilePart
  | AISDKToolResult;

/** A `ModelMessage` of the `ai` package, except system messages. */
export type AISDKMessage =
  | { role: "user"; content: string | AISDKUserPart[] }
  | { role: "assistant"; content: string | AISDKAssistantPart[] }
  | { role: "tool"; content: (AISDKToolResult | AISDKToolApproval)[] };

/** The instructions and messages for `generateText` and `streamText`, to be spread into their options. */
export interface AISDKPrompt {
  /** The system messages, which the AI SDK does not accept among the other messages. Absent when there are none. */
  instructions?: AISDKInstruction[];
  messages: AISDKMessage[];
}

/**
 * Converts messages for the AI SDK. Pure.
 *
 * System messages become the instructions, in their order. Each tool result is placed right after the message of its
 * call, except results of tools that the provider ran itself, which keep their place. The AI SDK refuses a call without
 * its result, so pass the result of `getContext()`. Images of an assistant become files.
 *
 * @example
 * const { text } = await generateText({ model, ...toAISDKPrompt(session.getContext({ maxTokens: 8_000 })) });
 */
export function toAISDKPrompt(messages: readonly Message[]): AISDKPrompt {
  const instructions: AISDKInstruction[] = [];
  const spoken: AISDKMessage[] = [];
  for (const turn of toTurns(messages, { resultsOfProvider: "stay" })) {
    switch (turn.role) {
      case "system":
        instructions.push(...turn.parts.flatMap(toInstruction));
        break;
      case "user":
        spoken.push({ role: "user", content: simplest(turn.parts.flatMap(toUserPart)) });
        break;
      case "assistant":
        spoken.push({ role: "assistant", content: simplest(turn.parts.flatMap(toAssistantPart)) });
        break;
      case "tool":
        toolContentOf(spoken).push(toResult(turn.result));
        break;
      case "approval":
        toolContentOf(spoken).push(...turn.parts.flatMap(toApproval));
        break;
    }
  }
  return instructions.length === 0 ? { messages: spoken } : { instructions, messages: spoken };
}

/** The content of the tool message at the end, added if necessary: consecutive results form one message. */
function toolContentOf(messages: AISDKMessage[]): Extract<AISDKMessage, { role: "tool" }>["content"] {
  const last = messages.at(-1);
  if (last?.role === "tool") return last.content;
  const content: Extract<AISDKMessage, { role: "tool" }>["content"] = [];
  messages.push({ role: "tool", content });
  return content;
}

/** Returns a single text part without options as a string. */
function simplest<Part extends { type: string }>(parts: Part[]): string | Part[] {
  const [first, second] = parts;
  if (first === undefined) return "";
  const isText = second === undefined && first.type === "text" && !("providerOptions" in first);
  return isText && "text" in first && typeof first.text === "string" ? first.text : parts;
}

function toInstruction(part: MessagePart): AISDKInstruction[] {
  if (part.type !== "text") return [];
  const { text: content, providerOptions } = part;
  return [{ role: "system", content, ...(providerOptions === undefined ? {} : { providerOptions }) }];
}

function toUserPart(part: MessagePart): AISDKUserPart[] {
  if (part.type === "file") return [toFile(part)];
  return part.type === "text" || part.type === "image" ? [part] : [];
}

/** Converts a part. Unlisted parts of the AI SDK, such as requests for approval, are kept unchanged. */
function toAssistantPart(part: MessagePart): AISDKAssistantPart[] {
  switch (part.type) {
    case "image": {
      const { image: data, mediaType = "image/*", providerOptions } = part;
      return [{ type: "file", data, mediaType, ...(providerOptions === undefined ? {} : { providerOptions }) }];
    }
    case "file":
      return [toFile(part)];
    case "tool-result":
      return [toResult(part)];
    default:
      return [part];
  }
}

function toFile({ data, ...rest }: FilePart): AISDKFilePart {
  return { ...rest, data: toFileData(data) };
}

function toFileData(data: FileData): AISDKFileData {
  if (typeof data === "string" || data.type !== "url") return data;
  const url = URL.parse(data.url);
  return url === null ? data.url : { type: "url", url };
}

function toResult({ output, ...rest }: ToolResultPart): AISDKToolResult {
  return { ...rest, output: output.type === "content" ? { ...output, value: output.value.map(toContent) } : output };
}

/**
 * Converts an item of a tool's output. An item that the AI SDK does not support becomes its JSON as text, so that the
 * model sees it.
 */
function toContent(item: JsonObject): AISDKToolContent {
  const part = readToolContent(item);
  const { providerOptions } = item;
  const options = isProviderOptions(providerOptions) ? { providerOptions } : {};
  if (part === undefined) return { type: "text", text: JSON.stringify(item) };
  if (part.type === "text") return { ...part, ...options };
  const { data, ...rest } = part;
  return { ...rest, data: taggedData(toFileData(data)), ...options };
}

function taggedData(data: AISDKFileData): Extract<AISDKToolContent, { type: "file" }>["data"] {
  if (typeof data === "string") {
    const url = /^[a-z][a-z0-9+.-]*:/i.test(data) ? URL.parse(data) : null;
    return url === null ? { type: "data", data } : { type: "url", url };
  }
  return data.type === undefined ? { type: "reference", reference: data } : data;
}

function toApproval(part: JsonObject): AISDKToolApproval[] {
  const { approvalId, approved, reason } = part;
  if (typeof approvalId !== "string" || typeof approved !== "boolean") return [];
  const because = typeof reason === "string" ? { reason } : {};
  return [{ type: "tool-approval-response", approvalId, approved, ...because }];
}
