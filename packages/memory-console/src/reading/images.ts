import { isJsonObject } from "../json.ts";

export interface Image {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** Kinds of pictures that are pixels and nothing else. */
const MEDIA_TYPES: ReadonlyMap<string, RegExp> = new Map([
  // The first characters of the base64 say what the bytes are, where nobody else does.
  ["image/png", /^iVBORw0KGgo/],
  ["image/jpeg", /^\/9j\//],
  ["image/gif", /^R0lGOD/],
  ["image/webp", /^UklGR/],
]);

/** The picture that a part of a message holds; undefined for other parts, and for a picture that is elsewhere. Pure. */
export function imageOf(part: unknown): Image | undefined {
  const base64 = base64Of(part);
  if (base64 === undefined) return undefined;
  for (const [mediaType, beginning] of MEDIA_TYPES) {
    if (beginning.test(base64)) return { mediaType, bytes: Buffer.from(base64, "base64") };
  }
  return undefined;
}

function base64Of(part: unknown): string | undefined {
  if (!isJsonObject(part)) return undefined;
  const { type, image, data } = part;
  const content = type === "image" ? image : type === "file" ? data : undefined;
  const text = isJsonObject(content) ? (content["data"] ?? content["url"]) : content;
  if (typeof text !== "string") return undefined;
  return text.startsWith("data:") ? text.slice(text.indexOf(",") + 1) : text;
}
