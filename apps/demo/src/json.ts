/**
 * Schemas for what `JSON.parse` gives, which needs no second look: Zod's own would drop a key `__proto__`, and run out of
 * stack in a value that is deep.
 */
import { z } from "zod";

export const jsonValue = z.custom<unknown>((value) => value !== undefined, "expected a value");

export const jsonObject = z.custom<Record<string, unknown>>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  "expected an object",
);
