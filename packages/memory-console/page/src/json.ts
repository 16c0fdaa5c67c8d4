import type { JsonObject } from "@rivet/memory-core";

/** Tells the objects from the other values of parsed JSON. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
