/** Messages as the AI SDK's `generateText` and `streamText` take them: its own parts, with the instructions apart. */
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
/** The AI SDK wants URLs as objects where they have a tag. */
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

/** A message as `ModelMessage` of the `ai` package has it, but for system messages. */
export type AISDKMessage =
  | { role: "user"; content: string | AISDKUserPart[] }
  | { role: "assistant"; content: string | AISDKAssistantPart[] }
  | { role: "tool"; content: (AISDKToolResult | AISDKToolApproval)[] };

/** The instructions and messages that `generateText` and `streamText` take, to be spread among their options. */
export interface AISDKPrompt {
  /** The system messages, which the AI SDK does not take among the others. Absent when there are none. */
  instructions?: AISDKInstruction[];
  messages: AISDKMessage[];
}

/**
 * The messages for the AI SDK. Pure.
 *
 * System messages become the instructions, in their order. Each tool result stands right after the message of its call, but
 * those of tools that the provider ran itself, which stay where they are. The AI SDK refuses a call without its result:
 * give it what `getContext()` returns. Images of an assistant become files.
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

/** The content of the tool message at the end: results that follow one another are one message. */
function toolContentOf(messages: AISDKMessage[]): Extract<AISDKMessage, { role: "tool" }>["content"] {
  const last = messages.at(-1);
  if (last?.role === "tool") return last.content;
  const content: Extract<AISDKMessage, { role: "tool" }>["content"] = [];
  messages.push({ role: "tool", content });
  return content;
}

/** One text with nothing else to say is a string. */
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

/** Parts of the AI SDK's own that are not listed, such as requests for approval, are kept as they are. */
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

/** An item that the AI SDK has no place for is its JSON as text, so that the model knows of it. */
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
