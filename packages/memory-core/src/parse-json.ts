/**
 * `JSON.parse`, without a fault of V8 in Node 24 to 26 (https://github.com/nodejs/node/issues/63785): an object key with
 * an escape in it may come back as another key, of an object that was parsed before. `{"a":1,"\n":2}` has the keys `a`
 * and `\` when `{"a":1,"\\":2}` came first.
 */
import { isJsonObject, type JsonValue } from "./json.ts";

/** @throws {SyntaxError} when the text is not JSON. */
export function parseJson(text: string): JsonValue {
  // Most texts have no escapes, and a text that is one string has no keys.
  if (!text.includes("\\") || text.startsWith('"')) return JSON.parse(text);
  const keys = Array.from(escapedKeys(text));
  return keys.length === 0 ? JSON.parse(text) : parseByAliases(text, keys);
}

interface Token {
  /** Where the opening quote is. */
  readonly start: number;
  /** Where the text goes on after the closing quote. */
  readonly end: number;
}

function* escapedKeys(text: string): Generator<Token> {
  for (let start = text.indexOf('"'); start !== -1;) {
    const end = endOfString(text, start);
    if (isBeforeColon(text, end) && text.slice(start, end).includes("\\")) yield { start, end };
    start = text.indexOf('"', end);
  }
}

function endOfString(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1);
  while (quote !== -1 && isEscaped(text, quote)) quote = text.indexOf('"', quote + 1);
  return quote === -1 ? text.length : quote + 1;
}

function isEscaped(text: string, position: number): boolean {
  let backslashes = 0;
  while (text[position - 1 - backslashes] === "\\") backslashes++;
  return backslashes % 2 === 1;
}

function isBeforeColon(text: string, position: number): boolean {
  let next = position;
  while (text[next] === " " || text[next] === "\n" || text[next] === "\t" || text[next] === "\r") next++;
  return text[next] === ":";
}

/** Parses the text with a name without escapes for each such key, and gives the keys their own names back. */
function parseByAliases(text: string, keys: readonly Token[]): JsonValue {
  const prefix = unusedCharacter(text);
  const names = new Map<string, string>();
  let aliased = "";
  let position = 0;
  for (const { start, end } of keys) {
    const alias = `${prefix}${names.size}`;
    names.set(alias, JSON.parse(text.slice(start, end)));
    aliased += `${text.slice(position, start)}"${alias}"`;
    position = end;
  }
  return withNames(JSON.parse(aliased + text.slice(position)), names);
}

/** A character of the private use area that the text does not have, also not as an escape. */
function unusedCharacter(text: string): string {
  const lowerText = text.toLowerCase();
  for (let unit = 0xe000; ; unit++) {
    const character = String.fromCharCode(unit);
    if (!text.includes(character) && !lowerText.includes(`\\u${unit.toString(16)}`)) return character;
  }
}

function withNames(value: JsonValue, names: ReadonlyMap<string, string>): JsonValue {
  if (Array.isArray(value)) return value.map((item) => withNames(item, names));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [names.get(key) ?? key, withNames(item, names)]),
  );
}
