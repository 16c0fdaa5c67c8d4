import fc from "fast-check";
import { parse } from "uuid";
import { describe, expect, it } from "vitest";
import { NIL_ID, xorIds } from "../src/index.ts";

const anyIds = fc.uniqueArray(fc.uuid());

describe("xorIds", () => {
  it("is the bitwise XOR of the sixteen bytes, in the form of a UUID", () => {
    fc.assert(
      fc.property(fc.uuid(), fc.uuid(), (left, right) => {
        const bytes = parse(right);
        const expected = parse(left).map((byte, index) => byte ^ (bytes[index] ?? 0));
        const xor = xorIds([left, right]);
        expect(xor.replaceAll("-", "")).toBe(Buffer.from(expected).toString("hex"));
        expect(xor.replaceAll(/[0-9a-f]/g, "0")).toBe(NIL_ID);
      }),
    );
  });

  it("is the nil UUID for no ids", () => {
    expect(xorIds([])).toBe(NIL_ID);
  });

  it("is the same for a set of ids in any order and in any groups", () => {
    fc.assert(
      fc.property(anyIds, anyIds, (some, others) => {
        const digest = xorIds([...some, ...others]);
        expect(xorIds([...others, ...some])).toBe(digest);
        expect(xorIds([xorIds(some), xorIds(others)])).toBe(digest);
      }),
    );
  });

  it("takes back what it added", () => {
    fc.assert(
      fc.property(anyIds, anyIds, (some, others) => {
        expect(xorIds([xorIds([...some, ...others]), ...others])).toBe(xorIds(some));
      }),
    );
  });
});
