/** Converts messages to the form that LangChain coerces to its own classes. */
import { isJsonObject, type JsonObject } from "../../json/json.ts";
import type { FilePart, ImagePart, Message, MessagePart, ToolCallPart, ToolResultOutput } from "../message.ts";
import { readMedia, readToolContent, type Media } from "./media.ts";
import {
  mergedItems,
  optionOf,
  reasoningProviderOf,
  toReasoning,
  type LangChainReasoning,
  type ReasoningProvider,
} from "./langchain-reasoning.ts";
import { toTurns } from "./turns.ts";

type BlockSource =
  | { url: string; mimeType?: string }
  | { data: string; mimeType: string }
  | { fileId: string; mimeType?: string };

/** LangChain's standard content blocks. */
type LangChainBlock =
  | { type: "text"; text: string }
  | LangChainReasoning
  | ({ type: "image" | "audio" | "video" | "file"; metadata?: { filename: string } } & BlockSource)
  | ({ type: "tool_call" } & LangChainToolCall);
type LangChainToolCall = { id: string; name: string; args: JsonObject };

type LangChainContent = {
  content: string | LangChainBlock[];
  /**
   * Marks content with blocks that only LangChain 1 supports, so that its chat models translate them; and names the
   * provider of the reasoning, so that the clients of other providers leave it out.
   */
  response_metadata?: { output_version?: "v1"; model_provider?: string };
  /** The signatures of calls, as LangChain's client for Google keeps them. */
  additional_kwargs?: { [CALL_SIGNATURES]: Record<string, string> };
};

const CALL_SIGNATURES = "__gemini_function_call_thought_signatures__";

/** A message that `coerceMessageLikeToMessage` of `@langchain/core` and its chat models accept. */
export type LangChainMessage =
  | ({ role: "user" | "system" } & LangChainContent)
  | ({ role: "assistant"; tool_calls?: LangChainToolCall[] } & LangChainContent)
  | ({ role: "tool"; tool_call_id: string; name?: string; status: "success" | "error" } & LangChainContent);

/**
 * Converts messages for LangChain's chat models, prompts and graphs. Pure.
 *
 * Tool calls go to `tool_calls`. Each tool result becomes a separate `tool` message, with the status `error` when the
 * tool failed. Images, recordings, other files and reasoning become LangChain's standard content blocks. Reasoning that
 * Anthropic, OpenAI or Google signed or encrypted, which the AI SDK keeps in the provider options, gets the form in
 * which LangChain's client for that provider sends it back. Parts of unlisted types are left out. LangChain's arguments
 * are objects: any other input is wrapped as `{ input }`, LangChain's own convention for tools that take a string.
 *
 * @example
 * await model.invoke(toLangChainMessages(session.getContext({ maxTokens: 8_000 })));
 */
export function toLangChainMessages(messages: readonly Message[]): LangChainMessage[] {
  return toTurns(messages).flatMap((turn): LangChainMessage | [] => {
    if (turn.role === "approval") return [];
    if (turn.role === "tool") {
      const { toolCallId, toolName, output } = turn.result;
      return {
        role: "tool",
        tool_call_id: toolCallId,
        ...(toolName === "" ? {} : { name: toolName }),
        status: FAILED.has(output.type) ? "error" : "success",
        ...toToolContent(output),
      };
    }
    const { role, parts } = turn;
    if (role !== "assistant") return { role, ...toContent(parts.flatMap((part) => toBlocks(part))) };
    const content = toAssistantContent(parts);
    const calls = parts.filter((part) => part.type === "tool-call").map(toToolCall);
    return calls.length === 0 ? { role, ...content } : { role, ...content, tool_calls: calls };
  });
}

const FAILED: ReadonlySet<ToolResultOutput["type"]> = new Set(["error-text", "error-json", "execution-denied"]);

/** The content of an assistant. Signed reasoning gets the form that its provider's client uses. */
function toAssistantContent(parts: readonly MessagePart[]): LangChainContent {
  const provider = reasoningProviderOf(parts);
  const blocks = parts.flatMap((part) => toBlocks(part, provider));
  if (provider === "google") return toGoogleContent(parts, blocks);
  const { response_metadata: metadata, ...content } = toContent(mergedItems(blocks));
  if (metadata === undefined) return content;
  return {
    ...content,
    response_metadata: provider === undefined ? metadata : { ...metadata, model_provider: provider },
  };
}

/**
 * The content for Google's client, which does not read standard reasoning blocks, and reads calls only from
 * `tool_calls`.
 */
function toGoogleContent(parts: readonly MessagePart[], blocks: LangChainBlock[]): LangChainContent {
  const signatures = parts.flatMap((part) => {
    const signature = part.type === "tool-call" ? optionOf(part, "google", "thoughtSignature") : undefined;
    return part.type === "tool-call" && signature !== undefined ? [[part.toolCallId, signature] as const] : [];
  });
  return {
    content: blocks.filter(({ type }) => type !== "tool_call"),
    ...(signatures.length === 0 ? {} : { additional_kwargs: { [CALL_SIGNATURES]: Object.fromEntries(signatures) } }),
  };
}

/** Keeps plain text as text, which every version and every model of LangChain reads. */
function toContent(blocks: LangChainBlock[]): LangChainContent {
  const spoken = blocks.filter((block) => block.type !== "tool_call");
  if (spoken.some((block) => block.type !== "text")) {
    return { content: blocks, response_metadata: { output_version: "v1" } };
  }
  const [first, second] = spoken;
  if (first === undefined) return { content: "" };
  return { content: second === undefined && first.type === "text" ? first.text : spoken };
}

function toToolCall({ toolCallId, toolName, input }: ToolCallPart): LangChainToolCall {
  return { id: toolCallId, name: toolName, args: isJsonObject(input) ? input : { input } };
}

function toBlocks(part: MessagePart, provider?: ReasoningProvider): LangChainBlock[] {
  switch (part.type) {
    case "text":
      return [{ type: "text", text: part.text }];
    case "reasoning":
      return [toReasoning(part, provider)];
    case "tool-call":
      return [{ type: "tool_call", ...toToolCall(part) }];
    case "image":
    case "file":
      return [toFileBlock(part)];
    default:
      return [];
  }
}

function toFileBlock(part: ImagePart | FilePart): LangChainBlock {
  const media = readMedia(part);
  if (media.kind === "text") return { type: "text", text: media.text };
  const filename = part.type === "file" ? part.filename : undefined;
  return {
    type: blockTypeOf(media),
    ...sourceOf(media),
    ...(filename === undefined ? {} : { metadata: { filename } }),
  };
}

function blockTypeOf({ mediaType }: Media): "image" | "audio" | "video" | "file" {
  const kind = mediaType.split("/")[0];
  return kind === "image" || kind === "audio" || kind === "video" ? kind : "file";
}

function sourceOf(media: Exclude<Media, { kind: "text" }>): BlockSource {
  // A type such as `image/*` adds nothing to the block's own type.
  const mimeType = media.mediaType.includes("/") && !media.mediaType.endsWith("*") ? media.mediaType : undefined;
  const known = mimeType === undefined ? {} : { mimeType };
  switch (media.kind) {
    case "url":
      return { url: media.url, ...known };
    case "base64":
      return { data: media.data, mimeType: media.mediaType };
    case "reference":
      return { fileId: Object.values(media.reference)[0] ?? "", ...known };
  }
}

/** Omits the mark of LangChain 1: with it, its client for OpenAI mistakes a tool result for assistant text. */
function toToolContent(output: ToolResultOutput): Pick<LangChainContent, "content"> {
  switch (output.type) {
    case "text":
    case "error-text":
      return { content: output.value };
    case "json":
    case "error-json":
      return { content: JSON.stringify(output.value) };
    case "execution-denied":
      return { content: output.reason ?? "the call was denied" };
    case "content":
      return { content: toContent(output.value.flatMap(toToolBlocks)).content };
    default:
      return { content: JSON.stringify(output) };
  }
}

function toToolBlocks(item: JsonObject): LangChainBlock[] {
  const part = readToolContent(item);
  return part === undefined ? [] : toBlocks(part);
}
