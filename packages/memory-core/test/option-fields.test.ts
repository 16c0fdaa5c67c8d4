import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { AtomClock, contextWindow, readOptions, replicate, Session, verify, type OptionFields } from "../src/index.ts";
import { nearestName } from "../src/options/nearest-name.ts";
import { snapshotJson } from "../src/json/snapshot.ts";
import { parseDateMs } from "../src/atom/validation.ts";
import { refusalOf } from "./refusals.ts";
import { TinyStorage } from "./tiny-storage.ts";

interface Search {
  userId?: string;
  limit?: number;
}
const FIELDS: OptionFields<Search> = { userId: "guard", limit: "setting" };

const misspelt = <Options extends object>(options: Options): Options => Object.assign(options, { prefrences: 1 });

describe("an options object", () => {
  it("is copied without the settings that are undefined", () => {
    // @ts-expect-error only JavaScript gives undefined
    expect(readOptions<Search>({ userId: "ada", limit: undefined }, FIELDS, "query")).toEqual({ userId: "ada" });
  });

  it("is read once, so that a getter cannot change between the check and the work", () => {
    let reads = 0;
    const options = {
      get userId() {
        return `user ${reads++}`;
      },
    };
    expect(readOptions<Search>(options, FIELDS, "query").userId).toBe("user 0");
    expect(reads).toBe(1);
  });

  it("may be an instance of a class whose prototype has the fields, and no other", () => {
    class Request {
      get userId(): string {
        return "ada";
      }
    }
    class Stranger {
      readonly #userId = "ada";
      toString(): string {
        return this.#userId;
      }
    }
    expect(readOptions<Search>(new Request(), FIELDS, "query")).toEqual({ userId: "ada" });
    expect(refusalOf(() => readOptions<Search>(Object(new Stranger()), FIELDS, "query")).path).toBe("query");
  });

  it("shows no name in its refusal that may be a secret", () => {
    const pasted = Object.fromEntries([["postgres://ada:secret@db.example.com/app", true]]);
    const error = refusalOf(() => readOptions<Search>(pasted, FIELDS, "query"));
    expect(error.message).not.toContain("secret");
    expect(error.path).toBe("query");
  });

  it.each<[name: string, use: () => unknown]>([
    ["a session", () => new Session(misspelt({ userId: "ada" }))],
    ["a window", () => contextWindow([], misspelt({}))],
    ["a choice of messages", () => new Session({ userId: "ada" }).history.messages(misspelt({}))],
    ["a clock", () => new AtomClock(misspelt({}))],
    ["a storage", () => new TinyStorage(misspelt({}))],
  ])("for %s with a field that is not known is refused by its name", (_, use) => {
    expect(refusalOf(use).path).toMatch(/\.prefrences$/);
  });

  it("for replicate or verify with a field that is not known is refused by its name", async () => {
    const [left, right] = [new TinyStorage(), new TinyStorage()];
    await expect(replicate(left, right, misspelt({}))).rejects.toMatchObject({ path: "options.prefrences" });
    await expect(verify(left, right, misspelt({})).next()).rejects.toMatchObject({ path: "options.prefrences" });
  });
});

describe("the nearest name", () => {
  it.each([
    ["user", "userId"],
    ["user_id", "userId"],
    ["USERID", "userId"],
    ["lastMessage", "lastMessages"],
    ["limt", "limit"],
  ])("of %s is %s", (name, nearest) => {
    expect(nearestName(name, ["limit", "userId", "lastMessages"])).toBe(nearest);
  });

  it.each(["colour", "x", "u".repeat(1_000_000)])("of what is like none is none", (name) => {
    expect(nearestName(name, ["limit", "userId", "lastMessages"])).toBeUndefined();
  });
});

describe("a value of another realm", () => {
  it("is taken when it is a valid Date, and stored as its ISO string", () => {
    const date: unknown = runInNewContext("new Date(0)");
    expect(date instanceof Date).toBe(false);
    expect(parseDateMs(date, "at")).toBe(0);
    expect(snapshotJson({ at: date }, "content")).toEqual({ at: "1970-01-01T00:00:00.000Z" });
  });

  it("is taken when it is plain data", () => {
    expect(snapshotJson(runInNewContext("({ list: [1, { key: 'value' }] })"), "content")).toEqual({
      list: [1, { key: "value" }],
    });
    expect(readOptions<Search>(runInNewContext("({ limit: 1 })"), FIELDS, "query")).toEqual({ limit: 1 });
  });

  it.each([
    "new Date(NaN)",
    "new Map([[1, 2]])",
    "new Set([1])",
    "/x/",
    "new Uint8Array(2)",
    "new ArrayBuffer(2)",
    "new Error('x')",
    "Promise.resolve(1)",
    "new String('x')",
  ])("is refused when it is %s, as it is in this realm", (source) => {
    expect(refusalOf(() => snapshotJson({ of: runInNewContext(source) }, "content")).path).toBe("content.of");
    expect(refusalOf(() => parseDateMs(runInNewContext(source), "at")).path).toBe("at");
  });
});
