/** Messages in the form that LangChain coerces to its own classes. */
import { isJsonObject, type JsonObject } from "../json.ts";
import type { FilePart, ImagePart, Message, MessagePart, ToolCallPart, ToolResultOutput } from "../message.ts";
import { readMedia, readToolContent, type Media } from "./media.ts";
import { toTurns } from "./turns.ts";

type BlockSource =
  | { url: string; mimeType?: string }
  | { data: string; mimeType: string }
  | { fileId: string; mimeType?: string };

/** LangChain's standard content blocks. */
type LangChainBlock =
  | { type: "text"; text: string }
  | { type: "reasoning"; reasoning: string }
  | ({ type: "image" | "audio" | "video" | "file"; metadata?: { filename: string } } & BlockSource)
  | ({ type: "tool_call" } & LangChainToolCall);
type LangChainToolCall = { id: string; name: string; args: JsonObject };

type LangChainContent = {
  content: string | LangChainBlock[];
  /** Says that the content has blocks that only LangChain 1 knows, so that its chat models translate them. */
  response_metadata?: { output_version: "v1" };
};

/** A message that `coerceMessageLikeToMessage` of `@langchain/core` takes, and so do its chat models. */
export type LangChainMessage =
  | ({ role: "user" | "system" } & LangChainContent)
  | ({ role: "assistant"; tool_calls?: LangChainToolCall[] } & LangChainContent)
  | ({ role: "tool"; tool_call_id: string; name?: string; status: "success" | "error" } & LangChainContent);

/**
 * The messages for LangChain's chat models, prompts and graphs. Pure.
 *
 * Tool calls go to `tool_calls`; each tool result becomes a `tool` message of its own, with the status `error` when the
 * tool failed. Images, recordings, other files and reasoning become LangChain's standard content blocks. Parts of unlisted
 * types are left out. LangChain's arguments are objects: another input is wrapped as `{ input }`, its own convention for
 * tools that take a string.
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
    const content = toContent(parts.flatMap(toBlocks));
    if (role !== "assistant") return { role, ...content };
    const calls = parts.filter((part) => part.type === "tool-call").map(toToolCall);
    return calls.length === 0 ? { role, ...content } : { role, ...content, tool_calls: calls };
  });
}

const FAILED: ReadonlySet<ToolResultOutput["type"]> = new Set(["error-text", "error-json", "execution-denied"]);

/** Text stays text, which every version of LangChain and every model of it reads. */
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

function toBlocks(part: MessagePart): LangChainBlock[] {
  switch (part.type) {
    case "text":
      return [{ type: "text", text: part.text }];
    case "reasoning":
      return [{ type: "reasoning", reasoning: part.text }];
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
  // A type such as `image/*` says no more than the block's own type.
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

function toToolContent(output: ToolResultOutput): LangChainContent {
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
      return toContent(output.value.flatMap(toToolBlocks));
    default:
      return { content: JSON.stringify(output) };
  }
}

function toToolBlocks(item: JsonObject): LangChainBlock[] {
  const part = readToolContent(item);
  return part === undefined ? [] : toBlocks(part);
}
