import type { JsonValue } from "@rivet/memory-core";

export interface Excerpt {
  readonly value: JsonValue;
  readonly isCut: boolean;
}

/**
 * The cost of an entry of an array or object in addition to its text, so that a million numbers count as much as a
 * million letters.
 */
const ENTRY_COST = 4;

/**
 * The beginning of a JSON value, of about so many characters in all: the same shape, with what is too much left out.
 * Pure.
 */
export function excerptOf(value: JsonValue, maxCharacters: number): Excerpt {
  let left = maxCharacters;
  let isCut = false;

  const text = (whole: string): string => {
    const kept = whole.length <= left ? whole : beginning(whole, Math.max(left, 0));
    if (kept.length < whole.length) isCut = true;
    left -= kept.length;
    return kept;
  };
  const has = (): boolean => {
    left -= ENTRY_COST;
    if (left > 0) return true;
    isCut = true;
    return false;
  };
  const copy = (one: JsonValue): JsonValue => {
    if (typeof one === "string") return text(one);
    if (typeof one !== "object" || one === null) return one;
    if (Array.isArray(one)) return fitting(one).map(copy);
    return Object.fromEntries(fitting(Object.entries(one)).map(([key, inner]) => [key, copy(inner)]));
  };
  const fitting = <Item>(items: readonly Item[]): Item[] => {
    const end = items.findIndex(() => !has());
    return items.slice(0, end === -1 ? undefined : end);
  };
  return { value: copy(value), isCut };
}

/** So many code units of a text, and not half of a character. Pure. */
export function beginning(text: string, length: number): string {
  const cut = text.slice(0, length);
  return /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
}
