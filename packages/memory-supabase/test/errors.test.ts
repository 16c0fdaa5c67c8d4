import { describe, expect, it } from "vitest";
import { toSupabaseMemoryError } from "../src/errors.ts";

describe("an error by its code", () => {
  it.each([
    ["PGRST002", 503, "unavailable", true, "not_applied"],
    ["PGRST106", 406, "schema", false, "not_applied"],
    ["PGRST202", 404, "schema", false, "not_applied"],
    ["PGRST205", 404, "schema", false, "not_applied"],
    ["PGRST301", 401, "permission", false, "not_applied"],
    ["PGRST303", 401, "permission", false, "not_applied"],
    ["42P01", 404, "schema", false, "not_applied"],
    ["42883", 404, "schema", false, "not_applied"],
    ["42501", 401, "permission", false, "not_applied"],
    ["42501", 403, "permission", false, "not_applied"],
    ["22008", 400, "invalid_input", false, "not_applied"],
    ["40001", 500, "unavailable", true, "not_applied"],
    ["40P01", 500, "unavailable", true, "not_applied"],
    ["08006", 503, "unavailable", true, "unknown"],
    ["53300", 503, "unavailable", true, "not_applied"],
    ["53100", 503, "unavailable", true, "not_applied"],
    ["54000", 500, "invalid_input", false, "not_applied"],
    ["54001", 500, "invalid_input", false, "not_applied"],
    ["57014", 500, "timeout", true, "not_applied"],
    ["57P01", 500, "unavailable", true, "unknown"],
    ["25006", 405, "unavailable", true, "not_applied"],
    ["XX000", 500, "unavailable", true, "unknown"],
    ["22P02", 400, "unknown", false, "not_applied"],
  ])("%s with HTTP %i is %s", (code, status, expected, retryable, outcome) => {
    const error = toSupabaseMemoryError({ status, error: { code, message: "hunter2" }, isTimeout: false });
    expect(error).toMatchObject({ code: expected, retryable, outcome });
    expect(error.message).toContain(code);
    expect(error.message).not.toContain("hunter2");
  });
});

describe("an answer without a code", () => {
  it.each([
    [0, "unavailable", true, "unknown"],
    [200, "unavailable", true, "unknown"],
    [204, "unavailable", true, "unknown"],
    [400, "unknown", false, "not_applied"],
    [301, "unavailable", false, "not_applied"],
    [308, "unavailable", false, "not_applied"],
    [401, "permission", false, "not_applied"],
    [402, "unavailable", false, "not_applied"],
    [403, "permission", false, "not_applied"],
    [407, "unavailable", false, "not_applied"],
    [410, "unavailable", false, "not_applied"],
    [511, "unavailable", false, "not_applied"],
    [540, "unavailable", false, "not_applied"],
    [544, "unavailable", true, "unknown"],
    [404, "unavailable", false, "not_applied"],
    [408, "unavailable", true, "unknown"],
    [413, "invalid_input", false, "not_applied"],
    [425, "unavailable", true, "not_applied"],
    [429, "unavailable", true, "not_applied"],
    [500, "unavailable", true, "unknown"],
    [502, "unavailable", true, "unknown"],
    [503, "unavailable", true, "not_applied"],
    [504, "unavailable", true, "unknown"],
    [522, "unavailable", true, "unknown"],
  ])("of HTTP %i is %s", (status, code, retryable, outcome) => {
    const error = toSupabaseMemoryError({ status, error: { message: "<html>" }, isTimeout: false });
    expect(error).toMatchObject({ code, retryable, outcome });
  });

  it("that came too late is a timeout, of which nobody knows what it did", () => {
    const error = toSupabaseMemoryError({ status: 0, error: new Error("aborted"), isTimeout: true });
    expect(error).toMatchObject({ code: "timeout", retryable: true, outcome: "unknown" });
  });
});

describe("what the functions refuse", () => {
  it.each([
    ["RM001", "conflict", "exists with other content"],
    ["RM002", "permission", "belongs to another user"],
    ["RM003", "not_found", "was deleted"],
    ["RM004", "conflict", "changed by another writer"],
  ])("%s is the core's %s", (code, expected, text) => {
    const details = JSON.stringify({ sessionId: "s", id: "i" });
    const error = toSupabaseMemoryError({ status: 400, error: { code, details }, isTimeout: false });
    expect(error).toMatchObject({ code: expected, sessionId: "s", outcome: "not_applied" });
    expect(error.message).toContain(text);
  });
});
