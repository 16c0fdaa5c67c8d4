import { describe, expect, it } from "vitest";
import { MemoryError } from "../src/index.ts";
import { invalidInput, withContext } from "../src/errors/errors.ts";

/** The class as another copy of the package defines it: the same file under another address. */
async function otherCopy(): Promise<typeof MemoryError> {
  const address = new URL("../src/errors/errors.ts?copy", import.meta.url).href;
  const module: { MemoryError: typeof MemoryError } = await import(address);
  return module.MemoryError;
}

describe("MemoryError", () => {
  it("recognises an error of another copy of the package, where instanceof does not", async () => {
    const OtherError = await otherCopy();
    const error = new OtherError({ code: "conflict", message: "other content" });
    expect(OtherError).not.toBe(MemoryError);
    expect(error instanceof MemoryError).toBe(false);
    expect(MemoryError.isInstance(error)).toBe(true);
    expect(OtherError.isInstance(invalidInput("id", "is empty"))).toBe(true);
  });

  it.each([
    ["another error", new Error("no")],
    ["an error with the same fields", Object.assign(new Error("no"), { name: "MemoryError", code: "conflict" })],
    ["an object that looks like one", { name: "MemoryError", code: "conflict", message: "no" }],
    ["null", null],
    ["undefined", undefined],
    ["a string", "MemoryError"],
  ])("does not recognise %s", (_, value) => {
    expect(MemoryError.isInstance(value)).toBe(false);
  });

  it("is an Error with a name, a stack and structured fields", () => {
    const cause = new Error("SQLITE_BUSY");
    const error = new MemoryError({
      code: "unavailable",
      message: "the file is locked",
      operation: "saveSession",
      backend: "sqlite",
      retryable: true,
      outcome: "unknown",
      path: "content",
      sessionId: "s",
      atomId: "a",
      cause,
    });
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toBe("MemoryError: the file is locked");
    expect(error.stack).toContain("errors.test.ts");
    expect(error).toMatchObject({
      name: "MemoryError",
      code: "unavailable",
      operation: "saveSession",
      backend: "sqlite",
      retryable: true,
      outcome: "unknown",
      path: "content",
      sessionId: "s",
      atomId: "a",
      cause,
    });
  });

  it("has no cause when there is none, and may not be retried unless it says so", () => {
    const error = new MemoryError({ code: "closed", message: "closed" });
    expect("cause" in error).toBe(false);
    expect(error.retryable).toBe(false);
    expect(error.outcome).toBeUndefined();
  });

  it("shows its fields and not its marker when it is logged as JSON", () => {
    const fields = JSON.parse(JSON.stringify(invalidInput("limit", "is 0; expected at least 1")));
    expect(fields).toEqual({ name: "MemoryError", code: "invalid_input", retryable: false, path: "limit" });
  });
});

describe("withContext", () => {
  it("adds what the outer layer knows and keeps what the error says", () => {
    const cause = new Error("native");
    const inner = new MemoryError({ code: "unavailable", message: "busy", retryable: true, outcome: "unknown", cause });
    const context = { operation: "saveSession", backend: "sqlite", outcome: "not_applied" } as const;
    const outer = withContext(inner, context);
    expect(outer).toMatchObject({ ...context, outcome: "unknown", code: "unavailable", retryable: true, cause });
    expect(outer.stack).toBe(inner.stack);
    expect(withContext(outer, { operation: "open", backend: "memory" })).toMatchObject({
      operation: "saveSession",
      backend: "sqlite",
    });
  });
});
