/** Converts messages to the format of OpenAI's chat completions, which many other servers accept too. */
import type { FilePart, ImagePart, Message, MessagePart, ToolCallPart, ToolResultOutput } from "../message.ts";
import type { JsonObject } from "../../json/json.ts";
import { isImage, readMedia, readToolContent } from "./media.ts";
import { toTurns } from "./turns.ts";

type OpenAITextPart = { type: "text"; text: string };
type OpenAIContentPart =
  | OpenAITextPart
  | { type: "image_url"; image_url: { url: string } }
  | { type: "input_audio"; input_audio: { data: string; format: "wav" | "mp3" } }
  | { type: "file"; file: { file_id: string } | { file_data: string; filename: string } };
type OpenAIToolCall = { id: string; type: "function"; function: { name: string; arguments: string } };

/** A message that `ChatCompletionMessageParam` of the `openai` package accepts. */
export type OpenAIMessage =
  | { role: "system"; content: string | OpenAITextPart[] }
  | { role: "user"; content: string | OpenAIContentPart[] }
  | { role: "assistant"; content: string | OpenAITextPart[] | null; tool_calls?: OpenAIToolCall[] }
  | { role: "tool"; tool_call_id: string; content: string | OpenAITextPart[] };

/**
 * Converts messages for `openai.chat.completions.create({ messages })`. Pure.
 *
 * Tool calls go to `tool_calls`, with their input as JSON text. Each tool result becomes a separate `tool` message. The
 * API has no mark for failed tools, so their output begins with `Error: `. It does not support reasoning or parts of
 * unlisted types; these are left out. Where it accepts only text (all but user messages) or does not accept a file (a
 * file by URL), the file is named in brackets, so that the model knows of it.
 *
 * The API refuses a tool result without its call, and a call without its result; `getContext()` leaves out the former.
 *
 * @example
 * await openai.chat.completions.create({ model, messages: toOpenAIMessages(session.getContext({ maxTokens: 8_000 }))
 * });
 */
export function toOpenAIMessages(messages: readonly Message[]): OpenAIMessage[] {
  return toTurns(messages).flatMap((turn): OpenAIMessage | [] => {
    switch (turn.role) {
      case "approval":
        return [];
      case "user":
        return { role: "user", content: simplest(turn.parts.flatMap(toContentParts)) };
      case "system":
        return { role: "system", content: simplest(turn.parts.flatMap(toTextParts)) };
      case "assistant": {
        const content = simplest(turn.parts.flatMap(toTextParts));
        const calls = turn.parts.filter((part) => part.type === "tool-call").map(toToolCall);
        if (calls.length === 0) return { role: "assistant", content };
        return { role: "assistant", content: content === "" ? null : content, tool_calls: calls };
      }
      case "tool":
        return { role: "tool", tool_call_id: turn.result.toolCallId, content: toToolContent(turn.result.output) };
    }
  });
}

/** Returns a single text as a string: the API refuses an empty list, and many compatible servers refuse any list. */
function simplest<Part extends OpenAIContentPart>(parts: Part[]): string | Part[] {
  const [first, second] = parts;
  if (first === undefined) return "";
  return second === undefined && first.type === "text" ? first.text : parts;
}

function toText(text: string): OpenAITextPart {
  return { type: "text", text };
}

function toToolCall({ toolCallId, toolName, input }: ToolCallPart): OpenAIToolCall {
  return { id: toolCallId, type: "function", function: { name: toolName, arguments: JSON.stringify(input) } };
}

function toTextParts(part: MessagePart): OpenAITextPart[] {
  switch (part.type) {
    case "text":
      return [toText(part.text)];
    case "image":
    case "file":
      return [toText(nameOf(part))];
    default:
      return [];
  }
}

function toContentParts(part: MessagePart): OpenAIContentPart[] {
  return part.type === "image" || part.type === "file" ? [toFilePart(part)] : toTextParts(part);
}

const AUDIO_FORMATS: ReadonlyMap<string, "wav" | "mp3"> = new Map([
  ["audio/wav", "wav"],
  ["audio/x-wav", "wav"],
  ["audio/mpeg", "mp3"],
  ["audio/mp3", "mp3"],
]);

function toFilePart(part: ImagePart | FilePart): OpenAIContentPart {
  const media = readMedia(part);
  switch (media.kind) {
    case "text":
      return toText(media.text);
    case "reference": {
      const fileId = media.reference["openai"];
      return fileId === undefined ? toText(nameOf(part)) : { type: "file", file: { file_id: fileId } };
    }
    case "url":
      return isImage(media) ? { type: "image_url", image_url: { url: media.url } } : toText(nameOf(part));
    case "base64": {
      const { data, mediaType } = media;
      const dataUrl = `data:${mediaType};base64,${data}`;
      if (isImage(media)) return { type: "image_url", image_url: { url: dataUrl } };
      const format = AUDIO_FORMATS.get(mediaType);
      if (format !== undefined) return { type: "input_audio", input_audio: { data, format } };
      const filename = (part.type === "file" ? part.filename : undefined) ?? `file.${mediaType.split("/")[1]}`;
      return { type: "file", file: { file_data: dataUrl, filename } };
    }
  }
}

/** The description of a file for the model when the file itself cannot be sent. */
function nameOf(part: ImagePart | FilePart): string {
  const media = readMedia(part);
  if (media.kind === "text") return media.text;
  const name = part.type === "file" ? part.filename : undefined;
  const details = [name, media.mediaType, media.kind === "url" ? media.url : undefined];
  return `[${part.type}: ${details.filter((detail) => detail !== undefined).join(" ")}]`;
}

function toToolContent(output: ToolResultOutput): string | OpenAITextPart[] {
  switch (output.type) {
    case "text":
      return output.value;
    case "json":
      return JSON.stringify(output.value);
    case "error-text":
      return `Error: ${output.value}`;
    case "error-json":
      return `Error: ${JSON.stringify(output.value)}`;
    case "execution-denied":
      return `Error: ${output.reason ?? "the call was denied"}`;
    case "content":
      return simplest(output.value.flatMap(toToolTextParts));
    default:
      return JSON.stringify(output);
  }
}

function toToolTextParts(item: JsonObject): OpenAITextPart[] {
  const part = readToolContent(item);
  return part === undefined ? [] : toTextParts(part);
}
