import { describe, expect, it } from "vitest";
import { isNestedDeeper, MAX_NESTING } from "../src/json/json-nesting.ts";
import { parseJson } from "../src/json/parse-json.ts";

const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);

describe("the nesting of a JSON text", () => {
  it("is measured by the brackets that are no part of a string", () => {
    expect(isNestedDeeper(nested(MAX_NESTING), MAX_NESTING)).toBe(false);
    expect(isNestedDeeper(nested(MAX_NESTING + 1), MAX_NESTING)).toBe(true);
    expect(isNestedDeeper(`{"a":${nested(MAX_NESTING)}}`, MAX_NESTING)).toBe(true);
    expect(isNestedDeeper(JSON.stringify(nested(5_000)), MAX_NESTING)).toBe(false);
    expect(isNestedDeeper(`["\\"","\\\\",${nested(3)}]`, 4)).toBe(false);
    expect(isNestedDeeper(`["\\"","\\\\",${nested(3)}]`, 3)).toBe(true);
  });

  it("adds up over no siblings", () => {
    expect(isNestedDeeper(`[${"[[]],".repeat(5_000)}0]`, 3)).toBe(false);
  });

  it("is looked at without recursion, and for a text that is no JSON too", () => {
    expect(isNestedDeeper("[".repeat(2_000_000), 3_000_000)).toBe(false);
    expect(isNestedDeeper(`${'["'.repeat(2_000)}`, MAX_NESTING)).toBe(false);
  });

  it("ends the parsing of a text that has too much of it, with an error and not with the stack", () => {
    expect(() => parseJson(nested(200_000))).toThrow(/nested deeper than 1002 levels/);
    expect(() => parseJson(`{"\\n":${nested(200_000)}}`)).toThrow(/nested deeper than 1002 levels/);
    expect(parseJson(nested(MAX_NESTING))).toBeInstanceOf(Array);
  });
});
