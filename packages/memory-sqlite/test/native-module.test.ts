import { MemoryError } from "@rivet/memory-core";
import { describe, expect, it } from "vitest";
import { assertSQLiteRuns } from "../src/index.ts";

describe("the check of the runtime under SQLite", () => {
  it.each([
    ["Node.js 20.20.2", { node: "20.20.2", napi: "9" }],
    ["Node.js 22.13.1", { node: "22.13.1", napi: "9" }],
    ["Node.js 23.5.0", { node: "23.5.0", napi: "9" }],
    ["Bun 1.3.14", { node: "24.3.0", napi: "10", bun: "1.3.14" }],
    ["Bun 0.8.1", { node: "18.15.0", napi: "8", bun: "0.8.1" }],
  ])("refuses %s, which the native module would crash", (name, versions) => {
    expect(() => assertSQLiteRuns(versions)).toThrow(MemoryError);
    expect(() => assertSQLiteRuns(versions)).toThrow(`this is ${name}; install a later version`);
  });

  it.each([
    ["Node.js 22.14.0", { node: "22.14.0", napi: "10" }],
    ["Node.js 26.10.0", { node: "26.10.0", napi: "10" }],
    ["Bun 1.4.5", { node: "26.3.0", napi: "10", bun: "1.4.5" }],
    ["Deno 2.9.6", { node: "26.3.0", napi: "10", deno: "2.9.6" }],
    ["Bun 2.0.0", { node: "26.3.0", napi: "10", bun: "2.0.0" }],
  ])("accepts %s", (_, versions) => {
    expect(() => assertSQLiteRuns(versions)).not.toThrow();
  });
});
