import { describe, expect, it } from "vitest";
import { delayMs, parseRetryAfter } from "../src/requests/retry.ts";

const FIRST = { failed: 1, retryAfterMs: undefined, leftMs: 60_000 };

describe("the delay before a repetition", () => {
  it("is a random part of a bound that doubles, up to five seconds", () => {
    const bounds = [1, 2, 3, 4, 5].map((failed) => delayMs({ ...FIRST, failed }, 1));
    expect(bounds).toEqual([100, 200, 400, 800, 1_600]);
    expect(delayMs(FIRST, 0)).toBe(0);
    expect(delayMs(FIRST, 0.25)).toBe(25);
  });

  it("is at least what the server asked for", () => {
    expect(delayMs({ ...FIRST, retryAfterMs: 7_000 }, 0.5)).toBe(7_050);
  });

  it("is none after the sixth attempt, or when it would end after the deadline", () => {
    expect(delayMs({ ...FIRST, failed: 6 }, 0)).toBeUndefined();
    expect(delayMs({ ...FIRST, leftMs: 100 }, 1)).toBeUndefined();
    expect(delayMs({ ...FIRST, retryAfterMs: 60_000 }, 0)).toBeUndefined();
  });
});

describe("the header Retry-After", () => {
  const nowMs = Date.parse("2026-11-01T00:00:00Z");

  it.each([
    ["12", 12_000],
    ["0", 0],
    ["Sun, 01 Nov 2026 00:00:30 GMT", 30_000],
    ["Sat, 31 Oct 2026 00:00:00 GMT", 0],
    ["soon", undefined],
    [null, undefined],
  ])("of %j is %j ms", (value, expected) => {
    expect(parseRetryAfter(value, nowMs)).toBe(expected);
  });
});
