/**
 * Reads files and images of messages, in whatever form they were given, as the four kinds that chat APIs distinguish.
 */
import type { JsonObject } from "../../json/json.ts";
import { isBareFileData, isFileData, type FileData, type FilePart, type ImagePart, type TextPart } from "../message.ts";

export type Media =
  | { readonly kind: "url"; readonly url: string; readonly mediaType: string }
  | { readonly kind: "base64"; readonly data: string; readonly mediaType: string }
  | { readonly kind: "text"; readonly text: string; readonly mediaType: string }
  | { readonly kind: "reference"; readonly reference: Readonly<Record<string, string>>; readonly mediaType: string };

/** The beginnings of these formats in base64. */
const SIGNATURES: readonly (readonly [start: string, mediaType: string])[] = [
  ["iVBORw0KGgo", "image/png"],
  ["/9j/", "image/jpeg"],
  ["R0lGOD", "image/gif"],
  ["UklGR", "image/webp"],
];

export function readMedia(part: ImagePart | FilePart): Media {
  const data = tagged(part.type === "image" ? part.image : part.data);
  const mediaType = part.mediaType ?? "image/*";
  switch (data.type) {
    case "url":
      return readUrl(data.url, mediaType);
    case "data":
      return { kind: "base64", data: data.data, mediaType: fullMediaType(mediaType, data.data) };
    case "text":
      return { kind: "text", text: data.text, mediaType };
    case "reference":
      return { kind: "reference", reference: data.reference, mediaType };
  }
}

type TaggedFileData = Extract<FileData, { type: string }>;

function tagged(data: FileData): TaggedFileData {
  if (typeof data !== "string") return data.type === undefined ? { type: "reference", reference: data } : data;
  // Base64 has no colon.
  return /^[a-z][a-z0-9+.-]*:/i.test(data) ? { type: "url", url: data } : { type: "data", data };
}

function readUrl(url: string, mediaType: string): Media {
  const [, declaredType, data] = /^data:([^;,]+)[^,]*;base64,(.*)$/is.exec(url) ?? [];
  if (declaredType === undefined || data === undefined) return { kind: "url", url, mediaType };
  return { kind: "base64", data, mediaType: declaredType };
}

/** Completes a media type: messages may have `image` or `image/*`, but `data:` URLs need the whole type. */
function fullMediaType(mediaType: string, base64: string): string {
  if (/^[^/]+\/[^*]+$/.test(mediaType)) return mediaType;
  const found = SIGNATURES.find(([start]) => base64.startsWith(start))?.[1];
  if (found !== undefined) return found;
  return mediaType.startsWith("image") ? "image/jpeg" : "application/octet-stream";
}

export function isImage(media: Media): boolean {
  return /^image(\/|$)/.test(media.mediaType);
}

/** Reads an item of a tool's output as a message part; undefined when it is neither text nor a file. */
export function readToolContent(item: JsonObject): TextPart | FilePart | undefined {
  const { type, text } = item;
  if (type === "text") return typeof text === "string" ? { type, text } : undefined;
  const data = fileDataOf(item);
  if (data === undefined) return undefined;
  const { filename, mediaType = String(type).startsWith("image") ? "image/*" : "application/octet-stream" } = item;
  return {
    type: "file",
    data,
    mediaType: String(mediaType),
    ...(typeof filename === "string" ? { filename } : {}),
  };
}

function fileDataOf({ type, data, image, url }: JsonObject): FileData | undefined {
  switch (type) {
    case "file":
      return isFileData(data) ? data : undefined;
    case "image":
      return isBareFileData(image) ? image : undefined;
    case "file-data":
    case "image-data":
      return typeof data === "string" ? { type: "data", data } : undefined;
    case "file-url":
    case "image-url":
      return typeof url === "string" ? { type: "url", url } : undefined;
    default:
      return undefined;
  }
}
