import { describe, expect, it } from "vitest";
import { drawFailover } from "../src/failover-picture.ts";
import type { StoryEvent } from "../src/story-events.ts";

const STORY: readonly StoryEvent[] = [
  { kind: "saved", turn: 1, stores: ["neon"], tookMs: 5, atMs: 500 },
  { kind: "down", provider: "neon", how: "killed", atMs: 1_000 },
  { kind: "saved", turn: 2, stores: ["supabase"], tookMs: 40, atMs: 1_050 },
  { kind: "down", provider: "supabase", how: "cut off", atMs: 2_000 },
  { kind: "saved", turn: 3, stores: ["local"], tookMs: 160, atMs: 2_200 },
  { kind: "back", provider: "neon", atMs: 4_000 },
  { kind: "back", provider: "supabase", atMs: 4_500 },
  { kind: "up", provider: "supabase", atMs: 6_000 },
  { kind: "journal empty", atMs: 6_500 },
  { kind: "up", provider: "neon", atMs: 9_000 },
  { kind: "saved", turn: 4, stores: ["neon"], tookMs: 4, atMs: 9_500 },
  { kind: "equal", atMs: 9_700 },
];

describe("the picture of a failover", () => {
  it("has a mark for each save, with how long it took", () => {
    const svg = drawFailover(STORY);
    expect(svg.match(/<title>turn \d: saved in \d+ ms<\/title>/g)).toEqual([
      "<title>turn 1: saved in 5 ms</title>",
      "<title>turn 4: saved in 4 ms</title>",
      "<title>turn 2: saved in 40 ms</title>",
      "<title>turn 3: saved in 160 ms</title>",
    ]);
  });

  it("says in one line how long a save took at most, and when all were equal", () => {
    expect(drawFailover(STORY)).toContain("4 turns, each saved in 160 ms at most; all equal 0.2 s after the last");
    expect(drawFailover(STORY.slice(0, -1))).toContain("not equal in the end");
  });

  it("has a bar for each time in which a provider was away, on its way back, or the journal held something", () => {
    const bars = drawFailover(STORY).match(/<title>(killed|cut off|back|holds what no provider took)<\/title>/g);
    expect(bars).toHaveLength(5);
  });

  it("tells the story in words, in its order", () => {
    const description = /<desc[^>]*>(.*)<\/desc>/.exec(drawFailover(STORY))?.[1] ?? "";
    const steps = [
      "neon is killed",
      "by supabase",
      "supabase is cut off",
      "by the local journal",
      "neon is back",
      "equal",
    ];
    const places = steps.map((step) => description.indexOf(step));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((left, right) => left - right));
  });

  it("can be drawn of a story that ended early", () => {
    for (let length = 0; length <= STORY.length; length++) {
      expect(drawFailover(STORY.slice(0, length))).not.toMatch(/NaN|Infinity|undefined/);
    }
  });
});
