import { describe, expect, it } from "vitest";
import { bitsArray, uuidArray } from "../src/statements/binary-arrays.ts";

describe("an array of UUIDs in binary format", () => {
  it.each([
    "",
    "not an id",
    "0195A7C2-4f3e-7b10-8a55-3c0d9e6f1a20",
    "0195a7c24f3e7b108a553c0d9e6f1a20",
    "zz95a7c2-4f3e-7b10-8a55-3c0d9e6f1a20",
  ])("refuses the text %j, and writes no zeros for it", (id) => {
    for (const encode of [uuidArray, bitsArray]) {
      expect(() => encode([id])).toThrow(expect.objectContaining({ code: "invalid_input" }));
    }
  });
});
