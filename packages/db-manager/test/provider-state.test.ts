import { describe, expect, it } from "vitest";
import {
  initialHealth,
  nextHealth,
  type ProviderEvent,
  type ProviderHealth,
  type ProviderState,
  type StateEffect,
} from "../src/provider/provider-state.ts";
import { probeDelayMs } from "../src/provider/probe-schedule.ts";

const DWELL_MS = 5_000;
const failed = (effect: StateEffect): ProviderEvent => ({ type: "failed", effect });
const answered = (isWrite: boolean): ProviderEvent => ({ type: "answered", isWrite });
const probed = (isReadOnly = false): ProviderEvent => ({ type: "probed", isReadOnly });
const overtaken: ProviderEvent = { type: "overtaken" };
const caughtUp: ProviderEvent = { type: "caught-up" };

function healthIn(state: ProviderState, more: Partial<ProviderHealth> = {}): ProviderHealth {
  return { ...initialHealth({ nowMs: 0, dwellMs: DWELL_MS }), state, ...more };
}

/** The health after events at given times, with another provider at work unless `isAlone`. */
function after(from: ProviderHealth, events: readonly [nowMs: number, event: ProviderEvent][], isAlone = false) {
  return events.reduce(
    (health, [nowMs, event]) => nextHealth(health, event, { nowMs, isAlone, dwellMs: DWELL_MS }),
    from,
  );
}

describe("one event", () => {
  it.each<[ProviderState, ProviderEvent, ProviderState, ProviderState]>([
    // from, event, to while others take work, to when alone
    ["unknown", answered(false), "up", "up"],
    ["up", failed("none"), "up", "up"],
    ["up", failed("suspect"), "suspect", "suspect"],
    ["unknown", failed("suspect"), "suspect", "suspect"],
    ["up", overtaken, "suspect", "suspect"],
    ["suspect", overtaken, "suspect", "suspect"],
    ["down", overtaken, "down", "down"],
    ["suspect", failed("suspect"), "down", "down"],
    ["down", failed("suspect"), "down", "down"],
    ["read-only", failed("suspect"), "read-only", "read-only"],
    ["probing", failed("suspect"), "down", "down"],
    ["catching-up", failed("suspect"), "down", "down"],
    ["suspect", answered(false), "up", "up"],
    ["suspect", probed(), "up", "up"],
    ["up", failed("down"), "down", "down"],
    ["down", answered(false), "probing", "up"],
    ["down", probed(), "probing", "up"],
    ["up", failed("read-only"), "read-only", "read-only"],
    ["read-only", answered(false), "read-only", "read-only"],
    ["read-only", answered(true), "probing", "up"],
    ["read-only", probed(), "probing", "up"],
    ["read-only", probed(true), "read-only", "read-only"],
    ["up", probed(true), "read-only", "read-only"],
    ["up", failed("no-write"), "no-write", "no-write"],
    ["no-write", answered(false), "no-write", "no-write"],
    ["no-write", probed(), "probing", "probing"],
    ["no-write", answered(true), "probing", "up"],
    ["up", failed("saturated"), "saturated", "saturated"],
    ["saturated", answered(false), "probing", "up"],
    ["unknown", failed("ineligible"), "ineligible", "ineligible"],
    ["ineligible", probed(), "probing", "up"],
    ["up", caughtUp, "up", "up"],
  ])("%s becomes, with %o, %s, and %s when alone", (from, event, to, toAlone) => {
    for (const [isAlone, expected] of [
      [false, to],
      [true, toAlone],
    ] as const) {
      const health = healthIn(from);
      const next = after(health, [[2, event]], isAlone);
      expect(next.state).toBe(expected);
      if (from === expected) expect(next).toBe(health);
      else expect(next.sinceMs).toBe(2);
    }
  });
});

describe("the way back", () => {
  const down = healthIn("down");

  it("takes two good probes a second apart, what was missed, and the dwell", () => {
    expect(
      after(down, [
        [0, probed()],
        [999, probed()],
      ]).state,
    ).toBe("probing");
    expect(
      after(down, [
        [0, probed()],
        [1_000, probed()],
      ]).state,
    ).toBe("catching-up");
    expect(
      after(down, [
        [0, probed()],
        [1_000, probed()],
        [5_000, probed()],
      ]).state,
    ).toBe("catching-up");
    expect(
      after(down, [
        [0, probed()],
        [1_000, probed()],
        [4_999, caughtUp],
      ]).state,
    ).toBe("catching-up");
    expect(
      after(down, [
        [0, probed()],
        [1_000, probed()],
        [5_000, caughtUp],
      ]).state,
    ).toBe("up");
    expect(
      after(down, [
        [0, probed()],
        [1_000, probed()],
        [1_001, caughtUp],
        [5_000, probed()],
      ]).state,
    ).toBe("up");
  });

  it("starts anew after a failure, without what was caught up", () => {
    const again = after(down, [
      [0, probed()],
      [1_000, probed()],
      [1_001, caughtUp],
      [2_000, failed("down")],
      [3_000, probed()],
    ]);
    expect(again).toMatchObject({ state: "probing", wellSinceMs: 3_000, isCaughtUp: false });
  });

  const wayBack = (fromMs: number, dwellMs: number): [number, ProviderEvent][] => [
    [fromMs, probed()],
    [fromMs + 1_000, probed()],
    [fromMs + 1_000, caughtUp],
    [fromMs + dwellMs, probed()],
  ];

  it("is twice as long each time for one that flaps, up to five minutes, and as before for one that stayed", () => {
    let health = after(down, wayBack(0, DWELL_MS));
    let nowMs = DWELL_MS;
    const dwells: number[] = [];
    for (let flaps = 0; flaps < 8; flaps += 1) {
      health = after(health, [
        [nowMs + 1_000, failed("suspect")],
        [nowMs + 2_000, failed("down")],
      ]);
      dwells.push(health.dwellMs);
      health = after(health, wayBack(nowMs + 3_000, health.dwellMs));
      expect(health.state).toBe("up");
      nowMs = health.sinceMs;
    }
    expect(dwells).toEqual([10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000]);
    expect(after(health, [[nowMs + 300_000, failed("down")]]).dwellMs).toBe(DWELL_MS);
  });

  it("is no flapping when it goes for the first time", () => {
    expect(
      after(healthIn("unknown"), [
        [1, answered(true)],
        [2, failed("down")],
      ]).dwellMs,
    ).toBe(DWELL_MS);
  });
});

describe("the next probe", () => {
  const delayOf = (health: ProviderHealth, probes = 0, isAlone = false, random = 1): number | undefined =>
    probeDelayMs(health, { nowMs: 1_500, longestMs: 10_000, probes, isAlone, random: () => random });

  it("comes at once for a suspect, and never for what takes work", () => {
    expect([delayOf(healthIn("up")), delayOf(healthIn("unknown"))]).toEqual([undefined, undefined]);
    expect(delayOf(healthIn("suspect"))).toBe(0);
    expect(delayOf(healthIn("suspect"), 1)).toBe(500);
  });

  it("backs off with full jitter, to 10 s, or 2 s while nobody takes work", () => {
    const down = healthIn("down");
    expect([0, 1, 2, 3, 4, 5, 6].map((probes) => delayOf(down, probes))).toEqual([
      250, 500, 1_000, 2_000, 4_000, 8_000, 10_000,
    ]);
    expect(delayOf(down, 60, true)).toBe(2_000);
    expect(delayOf(down, 6, false, 0)).toBe(0);
  });

  it("follows the way back", () => {
    expect(delayOf(healthIn("probing", { wellSinceMs: 1_000 }))).toBe(500);
    expect(delayOf(healthIn("catching-up", { wellSinceMs: 0, isCaughtUp: true }))).toBe(3_500);
    expect(delayOf(healthIn("catching-up", { wellSinceMs: 0, isCaughtUp: true, dwellMs: 300_000 }))).toBe(10_000);
  });

  it("is slow for what an administrator has to mend", () => {
    expect(delayOf(healthIn("ineligible"), 0, true, 0)).toBe(15_000);
    expect(delayOf(healthIn("ineligible"), 0, true, 1)).toBe(45_000);
  });
});
