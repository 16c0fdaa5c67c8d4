import { describe, expect, it } from "vitest";
import { planFaults, PROVIDER_FAULTS, type PlannedFault } from "../src/chaos/fault-plan.ts";
import { History } from "../src/chaos/history.ts";
import { timelineOf, type Timeline } from "../src/chaos/timeline.ts";
import { timelineSVG } from "../src/chaos/timeline-svg.ts";
import { timelineText } from "../src/chaos/timeline-text.ts";
import { seededRandom } from "@rivet/local-servers/seeded-random";

const MINUTE_MS = 60_000;
const SEEDS = Array.from({ length: 50 }, (_, seed) => seed);

function plan(seed: number): PlannedFault[] {
  return planFaults({ random: seededRandom(seed), durationMs: MINUTE_MS, writers: 4 });
}

describe("the plan of a minute", () => {
  it("has a hundred faults at least, clocks that are wrong not counted, whatever the seed", () => {
    for (const seed of SEEDS) {
      expect(plan(seed).filter(({ kind }) => kind !== "clock-skew").length).toBeGreaterThanOrEqual(100);
    }
  });

  it("has every kind of fault, and faults of one, two and all providers", () => {
    for (const seed of SEEDS) {
      const faults = plan(seed);
      const kinds = new Set(faults.map(({ kind }) => kind));
      expect(kinds).toEqual(new Set([...PROVIDER_FAULTS, "writer-killed", "clock-skew"]));
      const sizes = new Set(faults.map((fault) => ("providers" in fault ? fault.providers.length : 0)));
      expect(sizes).toEqual(new Set([0, 1, 2, 3]));
    }
  });

  it("is over in time, and never strikes what is struck already", () => {
    for (const seed of SEEDS) {
      const endsMs = new Map<string, number>();
      for (const fault of plan(seed)) {
        expect(fault.endMs).toBeLessThanOrEqual(MINUTE_MS);
        for (const target of "providers" in fault ? fault.providers : [`writer ${fault.writer}`]) {
          expect(fault.startMs).toBeGreaterThanOrEqual(endsMs.get(target) ?? 0);
          endsMs.set(target, fault.endMs);
        }
      }
    }
  });

  it("is the same for the same seed, and another for another", () => {
    expect(plan(7)).toEqual(plan(7));
    expect(plan(7)).not.toEqual(plan(8));
  });
});

describe("a timeline", () => {
  function timeline(): Timeline {
    const history = new History().addAll([
      { event: "acknowledged", atMs: 1_050, tokens: ["w1.0.1", "w1.0.2"], acceptedBy: ["neon"] },
      { event: "acknowledged", atMs: 1_900, tokens: ["w1.0.3"], acceptedBy: ["local"] },
    ]);
    return timelineOf({
      startMs: 1_000,
      faultsOverMs: 1_900,
      stoppedMs: 2_000,
      convergence: { ms: 500, hintsMs: 100, journalsMs: 400, undelivered: [], differences: [], forgotten: [] },
      strikes: [
        { kind: "killed", target: "neon", startMs: 1_100, endMs: 1_400 },
        { kind: "black-hole", target: "railway", startMs: 1_200, endMs: 1_300 },
        { kind: "writer-killed", target: "writer 2", startMs: 1_500, endMs: 1_600 },
      ],
      history,
    });
  }

  it("has the atoms that each store acknowledged, in their tenths of a second", () => {
    const { acknowledged, endMs } = timeline();
    expect(endMs).toBe(1_400);
    expect(acknowledged.neon.slice(0, 2)).toEqual([2, 0]);
    expect(acknowledged.local[9]).toBe(1);
  });

  it("has the times in which nobody was acknowledged anything", () => {
    expect(timeline().gaps).toEqual([{ startMs: 50, endMs: 900 }]);
  });

  it("is drawn with its faults, its gaps and its convergence", () => {
    const svg = timelineSVG(timeline());
    expect(svg).toMatch(/^<svg [^>]*width="900"[\s\S]*<\/svg>\n$/);
    for (const name of ["gone", "silent", "writer", "gap", "converging", "acknowledged", "local"]) {
      expect(svg).toContain(`class="${name}"`);
    }
    expect(svg).toContain("stores equal 500 ms after the last fault");
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it("is written with a row for each store", () => {
    const text = timelineText(timeline());
    for (const name of ["neon", "supabase", "railway", "local", "writers"]) expect(text).toContain(`\n${name} `.trim());
    expect(text).toContain("850 at 0.1 s");
  });
});
