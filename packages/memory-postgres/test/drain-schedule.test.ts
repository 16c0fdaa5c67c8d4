import { beforeEach, expect, it, onTestFinished, vi } from "vitest";
import { DrainSchedule } from "../src/replication/delivery/drain-schedule.ts";

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

it("a store is drained once for all that is written in a tenth of a second", () => {
  const started: string[] = [];
  const schedule = new DrainSchedule((name) => started.push(name));
  for (const name of ["neon", "neon", "railway"]) schedule.soon(name);
  vi.advanceTimersByTime(99);
  expect(started).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(started).toEqual(["neon", "railway"]);
});

it("a drain that a provider stumbles over is tried again soon, and ever later while that goes on", () => {
  const startedMs: number[] = [];
  const beginMs = Date.now();
  const schedule = new DrainSchedule((name) => {
    startedMs.push(Date.now() - beginMs);
    if (startedMs.length < 9) schedule.drained(name, true);
  });
  schedule.drained("neon", true);
  vi.advanceTimersByTime(60_000);
  const waitsMs = startedMs.map((ms, index) => ms - (startedMs[index - 1] ?? 0));
  expect(waitsMs).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000]);
  schedule.drained("neon", false);
  schedule.drained("neon", true);
  vi.advanceTimersByTime(250);
  expect(startedMs).toHaveLength(10);
  schedule.stop();
  schedule.soon("neon");
  expect(vi.getTimerCount()).toBe(0);
});
