import { endOfString } from "./json-string.ts";

/** The deepest nesting of arrays and objects in one value from a caller. */
export const MAX_NESTING = 1_000;

/** The same limit for a stored text: a change of session metadata is an object with an object of such values. */
export const MAX_STORED_NESTING = MAX_NESTING + 2;

const QUOTE = 0x22;
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * Whether arrays and objects of a JSON text are nested deeper than `maxNesting` levels. Pure, without recursion, and
 * free for a text that is too short for it.
 *
 * Functions that visit a value recurse once per level, `JSON.stringify` among them, and a few thousand levels overflow
 * the stack. A store may hold a text that was not checked on its way in.
 */
export function isNestedDeeper(text: string, maxNesting: number): boolean {
  // A level takes two characters.
  if (text.length <= 2 * maxNesting) return false;
  let depth = 0;
  for (let position = 0; position < text.length; position++) {
    const unit = text.charCodeAt(position);
    if (unit === QUOTE) position = endOfString(text, position) - 1;
    else if (unit === OPEN_ARRAY || unit === OPEN_OBJECT) {
      depth += 1;
      if (depth > maxNesting) return true;
    } else if (unit === CLOSE_ARRAY || unit === CLOSE_OBJECT) depth -= 1;
  }
  return false;
}
