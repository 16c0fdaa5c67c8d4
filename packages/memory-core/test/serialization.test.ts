import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  canonicalJson,
  decodeText,
  encodeText,
  fromJsonText,
  isSameJson,
  shownText,
  toJsonText,
} from "../src/index.ts";
import type { JsonValue } from "../src/index.ts";
import { parseJson } from "../src/json/parse-json.ts";

/** Strings of any code units, with those that need care, and texts that look like their escapes, far more often. */
const anyText = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
      fc.constantFrom("\0", "\u0010", "\ud800", "\udbff", "\udc00", "\udfff", "\\", "\\\\", '"', "\n"),
      fc.constantFrom("\\u0000", "\\\\u0000", "\\u0010", "u0000", "\\ud800", "\u00100000", "\u0010d800", "0010", "😀"),
    ),
  )
  .map((pieces) => pieces.join(""));

const { value: anyJson } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    anyText,
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value")),
    fc.dictionary(anyText, tie("value")),
  ),
}));

/** Whether PostgreSQL's `jsonb` and `text`, and SQLite's UTF-8, can store a text unchanged. */
function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

/** An escape in JSON text that `jsonb` refuses. */
const REFUSED_ESCAPE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/;

describe("encodeText", () => {
  it("makes any string storable, and decodeText gives it back to the code unit", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const encoded = encodeText(text);
        expect(isStorable(encoded)).toBe(true);
        expect(decodeText(encoded)).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });

  it("gives back every single code unit, alone and between others", () => {
    for (let unit = 0; unit <= 0xffff; unit++) {
      const text = String.fromCharCode(unit);
      const between = `a${text}\\u0000`;
      if (decodeText(encodeText(text)) !== text) expect.fail(`unit ${unit} alone`);
      if (decodeText(encodeText(between)) !== between) expect.fail(`unit ${unit} between others`);
      if (!isStorable(encodeText(between))) expect.fail(`unit ${unit} is not storable`);
    }
  });

  it("gives different texts different forms", () => {
    fc.assert(
      fc.property(anyText, anyText, (left, right) => {
        expect(encodeText(left) === encodeText(right)).toBe(left === right);
      }),
    );
  });

  it.each(["", "Hello", "Müller & Söhne", "变频器", "👩‍🔧", "\\u0000", "a\nb\tc"])("leaves %j as it is", (text) => {
    expect(encodeText(text)).toBe(text);
  });
});

/** Texts that look encoded, of which many are not: escapes of every unit, whole and cut off, in both cases. */
const maybeEncodedText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "a",
        "\0",
        "\u0010",
        "\ud800",
        "\udfff",
        "\u00100000",
        "\u00100010",
        "\u0010d800",
        "\u0010dc00",
        "😀",
      ),
      fc.constantFrom("\u00100061", "\u0010D800", "\u0010d80", "\u0010", "\u0010e000", "\u00100041lice"),
    ),
    { maxLength: 6 },
  )
  .map((pieces) => pieces.join(""));

describe("decodeText", () => {
  it("decodes a text exactly when encodeText writes it", () => {
    fc.assert(
      fc.property(maybeEncodedText, (stored) => {
        let text: string;
        try {
          text = decodeText(stored);
        } catch (error) {
          expect(error).toMatchObject({ code: "corrupt" });
          expect(shownText(stored)).toBe(stored);
          return;
        }
        expect(encodeText(text)).toBe(stored);
        expect(shownText(stored)).toBe(text);
      }),
      { numRuns: 5_000 },
    );
  });

  it("gives different stored texts different names", () => {
    fc.assert(
      fc.property(maybeEncodedText, maybeEncodedText, (left, right) => {
        const names = [left, right].map((stored) => {
          try {
            return decodeText(stored);
          } catch {
            return undefined;
          }
        });
        if (names[0] !== undefined && names[0] === names[1]) expect(left).toBe(right);
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([
    ["an escape of a letter", "\u00100061lices-contract"],
    ["an escape in upper case", "\u0010D800"],
    ["an escape that is cut off", "name\u0010d8"],
    ["an escape character alone", "\u0010"],
    ["the escapes of a whole pair of surrogates", "\u0010d83d\u0010de00"],
    ["a NUL", "a\0b"],
    ["a lone surrogate", "a\ud800b"],
  ])("refuses %s", (_, stored) => {
    expect(() => decodeText(stored)).toThrow(expect.objectContaining({ code: "corrupt" }));
    for (const text of [JSON.stringify([stored]), JSON.stringify({ [stored]: 1 })]) {
      expect(() => fromJsonText(text)).toThrow(expect.objectContaining({ code: "corrupt" }));
    }
  });
});

describe("fromJsonText", () => {
  it("reads a JSON text exactly when toJsonText writes an equal one", () => {
    const { stored } = fc.letrec<{ stored: JsonValue }>((tie) => ({
      stored: fc.oneof(
        { maxDepth: 3 },
        maybeEncodedText,
        fc.constant(1),
        fc.array(tie("stored"), { maxLength: 3 }),
        fc.dictionary(maybeEncodedText, tie("stored"), { maxKeys: 3 }),
      ),
    }));
    fc.assert(
      fc.property(stored, (value) => {
        const text = JSON.stringify(value);
        let decoded: JsonValue;
        try {
          decoded = fromJsonText(text);
        } catch (error) {
          expect(error).toMatchObject({ code: "corrupt" });
          return;
        }
        expect(isSameJson(toJsonText(decoded), text)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it("refuses values that are nested deeper than any that is stored, with an error and not with the stack", () => {
    const levels = 200_000;
    const text = `${"[".repeat(levels)}"\\u00100000"${"]".repeat(levels)}`;
    expect(() => fromJsonText(text)).toThrow(SyntaxError);
  });
});

describe("toJsonText", () => {
  it("makes any JSON storable, and fromJsonText gives it back", () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        const text = toJsonText(value);
        expect(isStorable(text)).toBe(true);
        expect(text).not.toMatch(REFUSED_ESCAPE);
        expect(fromJsonText(text)).toEqual(value);
      }),
      { numRuns: 1_000 },
    );
  });

  it("survives a store that rewrites spacing, key order and escapes, as jsonb does", () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        const rewritten = JSON.stringify(parseJson(toJsonText(value)), null, 1);
        expect(fromJsonText(rewritten)).toEqual(value);
      }),
    );
  });

  it("gives back every single code unit, as a value and as a key", () => {
    for (let unit = 0; unit <= 0xffff; unit++) {
      const character = String.fromCharCode(unit);
      const back = fromJsonText(toJsonText({ [`key${character}`]: [character] }));
      if (JSON.stringify(back) !== JSON.stringify({ [`key${character}`]: [character] })) {
        expect.fail(`unit ${unit} came back as ${JSON.stringify(back)}`);
      }
    }
  });

  it.each(["\\u0000", "\\\\u0000", "\\\0", "\\\\\0", "\u00100000", "\\u00100000"])("is not misled by %j", (text) => {
    expect(fromJsonText(toJsonText(text))).toBe(text);
    expect(fromJsonText(toJsonText({ [text]: text }))).toEqual({ [text]: text });
  });

  it("keeps a key that is called __proto__", () => {
    const value: JsonValue = JSON.parse('{"__proto__":{"admin":true}}');
    expect(Object.keys(Object(fromJsonText(toJsonText(value))))).toEqual(["__proto__"]);
  });

  it("leaves JSON as it is that needs no escape", () => {
    const value = { text: "Müller \n 😀", list: [1, null, true] };
    expect(toJsonText(value)).toBe(JSON.stringify(value));
  });
});

describe("isSameJson", () => {
  it("holds for the same value in another order of keys and other spacing", () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        const other = JSON.stringify(withReversedKeys(value), null, 2);
        expect(isSameJson(JSON.stringify(value), other)).toBe(true);
        expect(canonicalJson(other)).toBe(canonicalJson(JSON.stringify(value)));
      }),
    );
  });

  it.each([
    ["another value", '{"a":1}', '{"a":2}'],
    ["another key", '{"a":1}', '{"b":1}'],
    ["one key more", '{"a":1}', '{"a":1,"b":1}'],
    ["another order of an array", "[1,2]", "[2,1]"],
    ["a number as a string", "1", '"1"'],
    ["null for a missing key", "{}", '{"a":null}'],
    ["an empty array for an empty object", "{}", "[]"],
  ])("fails for %s", (_, left, right) => {
    expect(isSameJson(left, right)).toBe(false);
  });
});

function withReversedKeys(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withReversedKeys);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, item]) => [key, withReversedKeys(item)]),
  );
}
