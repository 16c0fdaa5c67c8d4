/**
 * Schemas for values that `JSON.parse` returned, which need no deep check: Zod's own schemas would drop a key
 * `__proto__`, and overflow the stack on a deeply nested value.
 */
import { z } from "zod";

export const jsonValue = z.custom<unknown>((value) => value !== undefined, "expected a value");

export const jsonObject = z.custom<Record<string, unknown>>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  "expected an object",
);
