import { expect, it } from "vitest";
import { hintsAfter, PageLength } from "../src/replication/page-length.ts";

it("a page that was quick is followed by one of twice the length", () => {
  expect(hintsAfter(100, 100, 250)).toBe(200);
  expect(hintsAfter(100, 3, 1)).toBe(200);
});

it("a page that was slow is followed by as many hints as would have been quick, and by some at least", () => {
  expect(hintsAfter(1_000, 1_000, 500)).toBe(500);
  expect(hintsAfter(1_000, 100, 500)).toBe(50);
  expect(hintsAfter(20, 20, 10_000)).toBe(20);
});

it("pages are never longer than they may be at the moment, and a failure counts with its time", async () => {
  let [nowMs, mostHints] = [0, 1_000];
  const pages = new PageLength({ mostHints: () => mostHints, nowMs: () => nowMs });
  expect(pages.hints).toBe(1_000);
  const failing = pages.measure(1_000, async () => {
    nowMs += 1_000;
    throw new Error("away");
  });
  await expect(failing).rejects.toThrow("away");
  expect(pages.hints).toBe(250);
  mostHints = 100;
  expect(pages.hints).toBe(100);
  await pages.measure(100, async () => (nowMs += 1));
  mostHints = 1_000;
  expect(pages.hints).toBe(200);
});
