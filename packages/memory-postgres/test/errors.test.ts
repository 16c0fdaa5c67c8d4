import { DatabaseError, type DatabaseErrorCode } from "@rivet/db-manager";
import { describe, expect, it } from "vitest";
import { isCausedByStatement, isRefusedByStatement, toPostgresMemoryError } from "../src/errors.ts";

function refusal(sqlState: string): DatabaseError {
  return new DatabaseError({ code: "query", message: "refused", provider: "neon", sqlState });
}

describe("an error of PostgreSQL", () => {
  it.each([
    ["42P01", "schema", false],
    ["42703", "schema", false],
    ["3F000", "schema", false],
    ["42501", "permission", false],
    ["54000", "invalid_input", false],
    ["54001", "invalid_input", false],
    ["22008", "invalid_input", false],
    ["53100", "unavailable", true],
    ["25006", "unavailable", true],
    ["XX000", "unknown", false],
  ] as const)("with SQLSTATE %s is %s", (sqlState, code, retryable) => {
    const error = refusal(sqlState);
    expect(toPostgresMemoryError(error)).toMatchObject({ code, retryable, outcome: "not_applied", cause: error });
  });

  it.each(["23502", "23505"])("with SQLSTATE %s is a refusal of our own statement", (sqlState) => {
    expect(isRefusedByStatement(refusal(sqlState))).toBe(true);
    expect(isCausedByStatement(refusal(sqlState))).toBe(true);
  });

  it("of another kind is none", () => {
    expect(isRefusedByStatement(refusal("22008"))).toBe(false);
    expect(isRefusedByStatement(new Error("23505"))).toBe(false);
    const silent = new DatabaseError({ code: "timeout", message: "silent", outcome: "unknown" });
    expect(isCausedByStatement(silent)).toBe(false);
  });
});

describe("an error of the way to PostgreSQL", () => {
  it.each(["unavailable", "timeout", "permission", "schema", "closed", "invalid_input"] satisfies DatabaseErrorCode[])(
    "keeps the code %s, whether it may be retried, and its outcome",
    (code) => {
      const error = new DatabaseError({ code, message: "no way", retryable: true, outcome: "unknown" });
      const expected = { name: "MemoryError", code, message: "no way", retryable: true, outcome: "unknown" };
      expect(toPostgresMemoryError(error)).toMatchObject(expected);
    },
  );

  it("that nobody knows is unknown", () => {
    expect(toPostgresMemoryError(new Error("odd"))).toMatchObject({ code: "unknown", message: "odd" });
    expect(toPostgresMemoryError("odd")).toMatchObject({ code: "unknown", message: "odd" });
  });
});
