import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AtomClock, Session, type JsonValue } from "../src/index.ts";
import { snapshotJson, snapshotJsonObject } from "../src/json/snapshot.ts";
import { parseJson } from "../src/json/parse-json.ts";
import {
  assertAmount,
  assertLimit,
  assertName,
  parseAtomId,
  parseDateMs,
  parseNewAtomId,
} from "../src/atom/validation.ts";
import { refusalOf } from "./refusals.ts";

function nested(levels: number): JsonValue {
  let value: JsonValue = [];
  for (let level = 1; level < levels; level++) value = level % 2 === 0 ? [value] : { in: value };
  return value;
}

describe("a name", () => {
  it.each([
    ["undefined", undefined],
    ["null", null],
    ["a number", 7],
    ["an object", {}],
    ["an empty string", ""],
    ["513 UTF-16 units", "x".repeat(513)],
    ["257 emoji", "😀".repeat(257)],
    ["NUL", "a\0b"],
  ])("is refused when it is or has %s", (_, name) => {
    expect(refusalOf(() => assertName(name, "sessionId"))).toMatchObject({ path: "sessionId" });
  });

  it.each([
    ["one character", "x"],
    ["512 UTF-16 units", "x".repeat(512)],
    ["a lone surrogate", "\ud800"],
    ["spaces and slashes", " a/b:c "],
    ["the name of a property of every object", "__proto__"],
  ])("may be or have %s", (_, name) => {
    expect(() => assertName(name, "sessionId")).not.toThrow();
  });
});

describe("an atom id", () => {
  it("is taken in any case and given back in lower case", () => {
    const id = new AtomClock().next();
    expect(parseAtomId(id.toUpperCase(), "id")).toBe(id);
  });

  it.each([undefined, null, 7, "", "1", "7d444840-9dc0-41d1-b245-5ffdce74fad2"])("is refused when it is %j", (id) => {
    expect(refusalOf(() => parseAtomId(id, "ids[3]")).path).toBe("ids[3]");
  });

  it("of a new atom may be a day ahead of the wall clock, and no more", () => {
    const nowMs = Date.UTC(2025, 2, 4);
    const idAt = (timeMs: number): string => new AtomClock({ now: () => timeMs }).next();
    const dayMs = 24 * 60 * 60 * 1000;
    expect(() => parseNewAtomId(idAt(nowMs + dayMs), "atom.id", nowMs)).not.toThrow();
    expect(refusalOf(() => parseNewAtomId(idAt(nowMs + dayMs + 1), "atom.id", nowMs)).path).toBe("atom.id");
    expect(() => parseNewAtomId(idAt(nowMs - 1_000 * dayMs), "atom.id", nowMs)).not.toThrow();
  });
});

describe("a number or an options object", () => {
  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, "1", null, undefined, 1n])(
    "is refused as a limit when it is %s",
    (limit) => {
      expect(refusalOf(() => assertLimit(limit, "limit")).path).toBe("limit");
    },
  );

  it.each([-1, Number.NaN, "1", null, undefined, 1n])("is refused as an amount when it is %s", (amount) => {
    expect(refusalOf(() => assertAmount(amount, "maxTokens")).path).toBe("maxTokens");
  });

  it.each([new Date(Number.NaN), "2025-03-04", 0, null])("is refused as a Date when it is %s", (date) => {
    expect(refusalOf(() => parseDateMs(date, "createdAt")).path).toBe("createdAt");
  });
});

describe("snapshotJson", () => {
  it.each<[name: string, value: unknown, path: string]>([
    ["undefined", undefined, "content"],
    ["undefined in an array", { list: [1, undefined] }, "content.list[1]"],
    // eslint-disable-next-line no-sparse-arrays
    ["a hole in an array", [1, , 3], "content[1]"],
    ["a long sparse array", Array(2 ** 32 - 1), "content[0]"],
    ["a function", { run: () => 1 }, "content.run"],
    ["a symbol", [Symbol("x")], "content[0]"],
    ["NaN", { a: { b: [Number.NaN] } }, "content.a.b[0]"],
    ["Infinity", { a: Number.POSITIVE_INFINITY }, "content.a"],
    ["-Infinity", { a: Number.NEGATIVE_INFINITY }, "content.a"],
    ["a BigInt", { a: 1n }, "content.a"],
    ["a Map", { a: new Map([[1, 2]]) }, "content.a"],
    ["a Set", { a: new Set([1]) }, "content.a"],
    ["a RegExp", { a: /x/ }, "content.a"],
    ["an Error", { a: new Error("no") }, "content.a"],
    ["bytes", { a: new Uint8Array(3) }, "content.a"],
    ["a promise", { a: Promise.resolve(1) }, "content.a"],
    ["a boxed string", { a: Object("x") }, "content.a"],
    ["an invalid Date", { at: new Date(Number.NaN) }, "content.at"],
    ["a toJSON that gives undefined", { a: { toJSON: () => undefined } }, "content.a"],
    ["a key that needs quotes", { "a b": { 'c"d': Number.NaN } }, 'content["a b"]["c\\"d"]'],
  ])("refuses %s with its path", (_, value, path) => {
    expect(refusalOf(() => snapshotJson(value, "content")).path).toBe(path);
  });

  it("never prints what a value holds", () => {
    const error = refusalOf(() => snapshotJson({ key: new Map([["password", "hunter2"]]) }, "content"));
    expect(error.message).not.toContain("hunter2");
  });

  it("allows 1,000 levels and refuses 1,001", () => {
    expect(JSON.stringify(snapshotJson(nested(1_000), "content"))).toBe(JSON.stringify(nested(1_000)));
    const error = refusalOf(() => snapshotJson(nested(1_001), "content"));
    expect(error.message).toContain("deeper than 1000");
    expect(error.message.length).toBeLessThan(400);
  });

  it("refuses far more levels than a call stack has", () => {
    expect(refusalOf(() => snapshotJson(nested(1_000_000), "content")).message).toContain("deeper than 1000");
  });

  it("says of a cycle that it is one", () => {
    const cycle: Record<string, unknown> = { name: "a" };
    cycle["self"] = [cycle];
    expect(refusalOf(() => snapshotJson(cycle, "content")).message).toContain("cycle");
    const wide: unknown[] = [];
    wide.push(wide, wide, wide);
    expect(refusalOf(() => snapshotJson(wide, "content")).message).toContain("cycle");
    const endless: Record<string, unknown> = { toJSON: () => endless };
    expect(refusalOf(() => snapshotJson(endless, "content")).message).toContain("cycle");
  });

  it("copies a value that is shared, and refuses a small graph that would be huge as JSON", () => {
    const shared = { a: 1 };
    expect(snapshotJson([shared, shared], "content")).toEqual([{ a: 1 }, { a: 1 }]);
    let bomb: unknown = "x".repeat(1_000);
    for (let level = 0; level < 60; level++) bomb = [bomb, bomb];
    expect(refusalOf(() => snapshotJson(bomb, "content")).message).toContain("maxAtomBytes");
  });

  it("stores a Date and what has a toJSON as they say, and leaves out what is undefined", () => {
    const value = {
      at: new Date(Date.UTC(2025, 2, 4)),
      url: new URL("https://example.com/a"),
      missing: undefined,
      nothing: null,
    };
    expect(snapshotJson(value, "content")).toEqual({
      at: "2025-03-04T00:00:00.000Z",
      url: "https://example.com/a",
      nothing: null,
    });
  });

  it("keeps a key that is called __proto__ as a key", () => {
    const copy = snapshotJsonObject(JSON.parse('{"__proto__":{"admin":true}}'), "metadata");
    expect(JSON.stringify(copy)).toBe('{"__proto__":{"admin":true}}');
    expect("admin" in copy).toBe(false);
  });

  it("gives what JSON would give back, frozen to its depth", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const copy = snapshotJson(value, "content");
        expect(copy).toEqual(parseJson(JSON.stringify(value)));
        expect(isDeeplyFrozen(copy)).toBe(true);
      }),
    );
  });

  it("does not change with the original", () => {
    const original = { list: [{ a: 1 }] };
    const copy = snapshotJson(original, "content");
    original.list.push({ a: 2 });
    expect(copy).toEqual({ list: [{ a: 1 }] });
  });

  it.each([[[]], ["text"], [null], [new Date()], [7]])("refuses %j where an object must be", (value) => {
    expect(refusalOf(() => snapshotJsonObject(value, "metadata")).path).toBe("metadata");
  });
});

describe("a session", () => {
  it.each<[name: string, init: unknown, path: string]>([
    ["nothing", undefined, "init"],
    ["a string", "ada", "init"],
    ["no user", {}, "userId"],
    ["an empty user", { userId: "" }, "userId"],
    ["an over-long id", { userId: "ada", sessionId: "x".repeat(513) }, "sessionId"],
    ["an id with NUL", { userId: "ada", sessionId: "\0" }, "sessionId"],
    ["metadata that are no object", { userId: "ada", metadata: [] }, "metadata"],
    ["metadata that JSON cannot hold", { userId: "ada", metadata: { a: [1n] } }, "metadata.a[0]"],
  ])("is refused with %s", (_, init, path) => {
    // @ts-expect-error the point is an argument of another type
    expect(refusalOf(() => new Session(init)).path).toBe(path);
  });

  it("refuses a message over the default of 16 MiB, and holds nothing of it", () => {
    const session = new Session({ userId: "ada" });
    expect(refusalOf(() => session.addUserMessage("x".repeat(16 * 1024 * 1024))).message).toContain("maxAtomBytes");
    expect(session.history).toHaveLength(0);
    expect(session.unsavedCount).toBe(1);
  });
});

function isDeeplyFrozen(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen);
}
