/**
 * JSON text in and out of a store.
 *
 * PostgreSQL's `jsonb` and `text` reject NUL and lone surrogates, and SQLite's UTF-8 cannot hold the latter. They are
 * written as DLE (U+0010, "data link escape") and four hex digits of the code unit; DLE itself is written the same way,
 * so that every JavaScript string survives to the code unit. Other text is not touched.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "./json.ts";
import { parseJson } from "./parse-json.ts";

const DLE = "\u0010";
const NEEDS_ESCAPE = /[\0\u0010]/;
const LONE_OR_SPECIAL = /[\0\u0010]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const ESCAPED = /\u0010([0-9a-f]{4})/g;

/** A string in the form that every store can hold. The inverse of {@link decodeText}. */
export function encodeText(text: string): string {
  if (!NEEDS_ESCAPE.test(text) && text.isWellFormed()) return text;
  return text.replace(LONE_OR_SPECIAL, (unit) => DLE + unit.charCodeAt(0).toString(16).padStart(4, "0"));
}

/** A string as it was before {@link encodeText}. */
export function decodeText(text: string): string {
  if (!text.includes(DLE)) return text;
  return text.replace(ESCAPED, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

// In JSON text, `JSON.stringify` writes exactly these units as \uXXXX. Every other escape is matched too, as a whole,
// so that the second backslash of `\\u0000` (a backslash and the letters u0000) never starts a match of its own.
const JSON_UNIT_TO_ESCAPE = /\\(?:u(0000|0010|d[89a-f][0-9a-f]{2})|[^])/g;
const JSON_ESCAPED_UNIT = /\\(?:u0010([0-9a-f]{4})|[^])/g;

/** A JSON value as text that every store can hold. The inverse of {@link fromJsonText}. */
export function toJsonText(value: JsonValue): string {
  const text = JSON.stringify(value);
  if (!text.includes("\\u")) return text;
  return text.replace(JSON_UNIT_TO_ESCAPE, (match, hex?: string) => (hex === undefined ? match : `\\u0010${hex}`));
}

/**
 * The value of a text that {@link toJsonText} wrote, also after a store has rewritten its spacing and key order.
 *
 * @throws {SyntaxError} when the text is not JSON.
 */
export function fromJsonText(text: string): JsonValue {
  if (!text.includes("\\u0010")) return parseJson(text);
  return parseJson(text.replace(JSON_ESCAPED_UNIT, (match, hex?: string) => (hex === undefined ? match : `\\u${hex}`)));
}

/** Whether two JSON texts hold the same value, whatever their spacing and key order. */
export function isSameJson(left: string, right: string): boolean {
  return left === right || canonicalJson(left) === canonicalJson(right);
}

/** JSON text with sorted keys and no spacing. */
export function canonicalJson(text: string): string {
  return JSON.stringify(parseJson(text), (_, value: JsonValue) =>
    isJsonObject(value) ? sortedByKey(Object.entries(value)) : value,
  );
}

/** An object of the entries, in the order of their keys. */
export function sortedByKey(entries: Iterable<[string, JsonValue]>): JsonObject {
  return Object.fromEntries(Array.from(entries).toSorted(([left], [right]) => (left < right ? -1 : 1)));
}
