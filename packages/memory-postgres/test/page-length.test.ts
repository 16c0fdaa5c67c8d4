import { expect, it } from "vitest";
import { rowsAfter, PageLength } from "../src/journal/page-length.ts";

it("a page that was quick is followed by one of twice the length", () => {
  expect(rowsAfter(100, 100, 250)).toBe(200);
  expect(rowsAfter(100, 3, 1)).toBe(200);
});

it("a page that was slow is followed by as many rows as would have been quick, and by some at least", () => {
  expect(rowsAfter(1_000, 1_000, 500)).toBe(500);
  expect(rowsAfter(1_000, 100, 500)).toBe(50);
  expect(rowsAfter(20, 20, 10_000)).toBe(20);
});

it("pages are never longer than they may be at the moment, and a failure counts with its time", async () => {
  let [nowMs, mostRows] = [0, 1_000];
  const pages = new PageLength({ mostRows: () => mostRows, nowMs: () => nowMs });
  expect(pages.rows).toBe(1_000);
  const failing = pages.measure(1_000, async () => {
    nowMs += 1_000;
    throw new Error("away");
  });
  await expect(failing).rejects.toThrow("away");
  expect(pages.rows).toBe(250);
  mostRows = 100;
  expect(pages.rows).toBe(100);
  await pages.measure(100, async () => (nowMs += 1));
  mostRows = 1_000;
  expect(pages.rows).toBe(200);
});
