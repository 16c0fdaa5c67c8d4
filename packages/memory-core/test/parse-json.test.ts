import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isJsonObject } from "../src/json/json.ts";
import { parseJson } from "../src/json/parse-json.ts";

/** Keys of few characters, so that a key is often the beginning of another's escape. */
const anyKey = fc
  .array(fc.constantFrom("\\", "n", "u", "0", "a", '"', "\n", "\0", "\ue000", "é"))
  .map((all) => all.join(""));
const anyObject = fc.array(fc.tuple(anyKey, fc.oneof(anyKey, fc.array(fc.dictionary(anyKey, anyKey)))), {
  maxLength: 4,
});

/** Returns the entries of an object without the setters of its keys. */
function entriesOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(entriesOf);
  return typeof value === "object" && value !== null
    ? Object.entries(value).map(([key, item]) => [key, entriesOf(item)])
    : value;
}

describe("parseJson", () => {
  it("reads every key as it was written, whatever was parsed before", () => {
    fc.assert(
      fc.property(anyObject, fc.constantFrom(0, 2), (entries, spaces) => {
        const value = Object.fromEntries(entries);
        expect(entriesOf(parseJson(JSON.stringify(value, null, spaces)))).toEqual(entriesOf(value));
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([
    ['{"first":1,"\\\\":2}', '{"first":1,"\\u0000":2}', "\0"],
    ['{"second":1,"C:\\\\new":2}', '{"second":1,"C:\\newx":2}', "C:\newx"],
    ['{"third":1,"\\\\u":2}', '{"third":1,"\\u0041b":2}', "Ab"],
    ['{"fourth":1,"\\\\":2}', '{"fourth":1,"\\"":2}', '"'],
  ])("is not misled by %s before %s", (before, text, key) => {
    parseJson(before);
    expect(Object.keys(Object(parseJson(text)))[1]).toBe(key);
  });

  it("keeps the last of two keys that are the same once they are read", () => {
    expect(parseJson('{"\\u0061":1,"a":2,"\\u0061":3}')).toEqual({ a: 3 });
    expect(parseJson('{"a":1,"\\u0061":2,"a":3}')).toEqual({ a: 3 });
  });

  it("reads a key with an escape beside a text of every character, each of which an alias could be made of", () => {
    const every = Array.from({ length: 0x1_0000 }, (_, unit) => String.fromCharCode(unit)).join("");
    for (const text of [every, every.slice(0xe000), `${every.slice(0xe000)}k0 k1`]) {
      const value = { "a\n": text, [`${text.slice(0, 100)}\\`]: [text], [text]: 1, k0: 2, "0": 3 };
      expect(entriesOf(parseJson(JSON.stringify(value)))).toEqual(entriesOf(value));
    }
  });

  it("reads objects that are nested deeper than a call stack", () => {
    const levels = 100_000;
    let value = parseJson(`${'{"\\n":'.repeat(levels)}1${"}".repeat(levels)}`, levels);
    for (let level = 0; level < levels; level++) value = isJsonObject(value) ? (value["\n"] ?? null) : null;
    expect(value).toBe(1);
  });

  it("keeps a key that is called __proto__", () => {
    expect(Object.keys(Object(parseJson('{"\\u005f_proto__":{"admin":true}}')))).toEqual(["__proto__"]);
  });

  it.each(["", "{", '{"a\\n":1', '{"a\\x":1}', '{"\\n" 1}', '["\\n":1]', '"\\', '{"a\\n":"'])("refuses %j", (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });
});
