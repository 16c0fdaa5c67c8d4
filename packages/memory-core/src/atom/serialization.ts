/**
 * Encodes text and JSON text for stores, and decodes it.
 *
 * PostgreSQL's `jsonb` and `text` reject NUL and lone surrogates, and SQLite's UTF-8 cannot hold the latter. They are
 * written as DLE (U+0010, "data link escape") and four hex digits of the code unit; DLE itself is written the same way,
 * so that every JavaScript string survives to the code unit. Other text is not changed.
 *
 * The encoding is a bijection: every string has one encoded form, and only that form is decoded. A text with any other
 * escape, such as one of the letter `a`, would decode to a string with another encoded form, and could imitate the name
 * of another session or user. This package never writes such a text, and refuses to read it.
 */
import { MemoryError } from "../errors/errors.ts";
import { mapStrings } from "../json/json-walk.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json/json.ts";
import { parseJson } from "../json/parse-json.ts";

/**
 * The code units that are written as escapes, as regular expressions of their four hex digits. Supabase's SQL is
 * generated from the same expressions. Escapes of other units, and of a high surrogate followed by a low one, are
 * refused.
 */
export const ESCAPED_UNITS = {
  any: "(?:0000|0010|d[89a-f][0-9a-f]{2})",
  highSurrogate: "d[89ab][0-9a-f]{2}",
  lowSurrogate: "d[c-f][0-9a-f]{2}",
} as const;

const DLE = "\u0010";
const NEEDS_ESCAPE = /[\0\u0010]/;
const LONE_OR_SPECIAL = /[\0\u0010]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const ESCAPED = /\u0010([0-9a-f]{4})/g;

/** Encodes a string in a form that every store can hold. The inverse of {@link decodeText}. */
export function encodeText(text: string): string {
  if (!NEEDS_ESCAPE.test(text) && text.isWellFormed()) return text;
  return text.replace(LONE_OR_SPECIAL, (unit) => DLE + unit.charCodeAt(0).toString(16).padStart(4, "0"));
}

/**
 * Decodes a string from {@link encodeText}.
 *
 * @throws {MemoryError} `corrupt` for a text that {@link encodeText} never writes.
 */
export function decodeText(text: string): string {
  const decoded = decodedText(text);
  if (decoded !== undefined) return decoded;
  throw new MemoryError({
    code: "corrupt",
    message: `the stored text ${JSON.stringify(text.slice(0, 64))} contains an invalid escape, which this package never writes`,
  });
}

/** The decoded form of a text, or undefined for one that {@link encodeText} never writes. */
function decodedText(text: string): string | undefined {
  if (!NEEDS_ESCAPE.test(text) && text.isWellFormed()) return text;
  const decoded = text.replace(ESCAPED, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return encodeText(decoded) === text ? decoded : undefined;
}

/**
 * A stored text for people to read: decoded, or unchanged if it is not encoded text. Unchanged, it never equals the
 * name that it imitates.
 */
export function shownText(text: string): string {
  return decodedText(text) ?? text;
}

// In JSON text, `JSON.stringify` writes exactly these units as \uXXXX. Every other escape is matched too, as a whole,
// so that the second backslash of `\\u0000` (a backslash and the letters u0000) never starts a match of its own.
const JSON_UNIT_TO_ESCAPE = new RegExp(`\\\\(?:u(${ESCAPED_UNITS.any})|[^])`, "g");
/** An escape of a unit that needs checking: NUL, DLE or a surrogate. */
const JSON_UNIT_TO_CHECK = /\\u(?:0000|0010|d[89a-f])/i;

/** Encodes a JSON value as text that every store can hold. The inverse of {@link fromJsonText}. */
export function toJsonText(value: JsonValue): string {
  const text = JSON.stringify(value);
  if (!text.includes("\\u")) return text;
  return text.replace(JSON_UNIT_TO_ESCAPE, (match, hex?: string) => (hex === undefined ? match : `\\u0010${hex}`));
}

/**
 * Decodes a text from {@link toJsonText}, even after a store has rewritten its spacing and key order.
 *
 * @throws {SyntaxError} when the text is not JSON.
 * @throws {MemoryError} `corrupt` when one of its strings is not encoded text.
 */
export function fromJsonText(text: string): JsonValue {
  const value = parseJson(text);
  const isEscaped = text.includes("\\u") && JSON_UNIT_TO_CHECK.test(text);
  return isEscaped || !text.isWellFormed() ? mapStrings(value, decodeText, decodeText) : value;
}

/**
 * Whether two JSON texts have the same value, whatever their spacing and key order. Encoded strings are compared as
 * they are, because each string has exactly one encoded form.
 */
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
