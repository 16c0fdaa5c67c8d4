/**
 * `JSON.parse` without a bug of V8 in Node 24 to 26 (https://github.com/nodejs/node/issues/63785): an object key with
 * an escape may be returned as a key of an object that was parsed before. `{"a":1,"\n":2}` has the keys `a` and `\`
 * when `{"a":1,"\\":2}` was parsed first.
 *
 * A text with such keys is parsed with an alias for each key, and the aliases are replaced afterwards. The cost is
 * linear in the length of the text, whatever its contents.
 */
import { isNestedDeeper, MAX_STORED_NESTING } from "./json-nesting.ts";
import { endOfString } from "./json-string.ts";
import type { JsonValue } from "./json.ts";
import { mapStrings } from "./json-walk.ts";

/**
 * @param maxNesting The deepest nesting of arrays and objects.
 * @throws {SyntaxError} when the text is not JSON, or is nested more deeply.
 */
export function parseJson(text: string, maxNesting: number = MAX_STORED_NESTING): JsonValue {
  if (isNestedDeeper(text, maxNesting)) throw new SyntaxError(`nested deeper than ${maxNesting} levels`);
  // Most texts have no escapes, and a text that is one string has no keys.
  if (!text.includes("\\") || text.startsWith('"')) return JSON.parse(text);
  return hasEscapedKey(text) ? parseByAliases(text, Array.from(keysOf(text))) : JSON.parse(text);
}

/** Searches without allocating an object per key, because nearly all texts have no escaped key. */
function hasEscapedKey(text: string): boolean {
  for (let start = text.indexOf('"'); start !== -1;) {
    const end = endOfString(text, start);
    if (isBeforeColon(text, end) && isEscaped(text, start, end)) return true;
    start = text.indexOf('"', end);
  }
  return false;
}

interface Token {
  /** The position of the opening quote. */
  readonly start: number;
  /** The position after the closing quote. */
  readonly end: number;
}

function* keysOf(text: string): Generator<Token> {
  for (let start = text.indexOf('"'); start !== -1;) {
    const end = endOfString(text, start);
    if (isBeforeColon(text, end)) yield { start, end };
    start = text.indexOf('"', end);
  }
}

function isEscaped(text: string, start: number, end: number): boolean {
  return text.slice(start, end).includes("\\");
}

function isBeforeColon(text: string, position: number): boolean {
  let next = position;
  while (text[next] === " " || text[next] === "\n" || text[next] === "\t" || text[next] === "\r") next++;
  return text[next] === ":";
}

/** Parses the text with an alias in place of each key, then restores the keys. */
function parseByAliases(text: string, keys: readonly Token[]): JsonValue {
  const names: string[] = [];
  const parts: string[] = [];
  let position = 0;
  for (const { start, end } of keys) {
    parts.push(text.slice(position, start), `"${ALIAS}${names.length}"`);
    names.push(JSON.parse(text.slice(start, end)));
    position = end;
  }
  parts.push(text.slice(position));
  const nameOf = (alias: string): string => names[Number(alias.slice(ALIAS.length))] ?? alias;
  return mapStrings(JSON.parse(parts.join("")), (string) => string, nameOf);
}

/** A prefix of the number, because numeric keys would be reordered. */
const ALIAS = "k";
