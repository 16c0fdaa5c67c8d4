/**
 * Visits JSON values of any depth in a loop, because a stored value may be nested deeper than the call stack allows.
 */
import { isJsonObject, type JsonValue } from "./json.ts";

/**
 * Copies a value with its strings and keys replaced.
 *
 * @param ofText Returns the replacement of a string that is not a key.
 * @param ofKey Returns the replacement of a key; different keys must stay different.
 */
export function mapStrings(
  value: JsonValue,
  ofText: (text: string) => string,
  ofKey: (key: string) => string,
): JsonValue {
  const unvisited: (JsonValue[] | { [key: string]: JsonValue })[] = [];
  const copyOf = (item: JsonValue): JsonValue => {
    if (typeof item === "string") return ofText(item);
    if (typeof item !== "object" || item === null) return item;
    // `fromEntries` defines properties, so a key named __proto__ stays a key.
    const copy = Array.isArray(item)
      ? [...item]
      : Object.fromEntries(Object.entries(item).map(([key, inner]) => [ofKey(key), inner]));
    unvisited.push(copy);
    return copy;
  };
  const copied = copyOf(value);
  for (let container = unvisited.pop(); container !== undefined; container = unvisited.pop()) {
    if (isJsonObject(container))
      for (const key of Object.keys(container)) container[key] = copyOf(container[key] ?? null);
    else container.forEach((item, index, items) => (items[index] = copyOf(item)));
  }
  return copied;
}
