import { XMLParser, XMLValidator } from "fast-xml-parser";
import { describe, expect, it } from "vitest";
import { drawTimeline, type Mark, type Picture } from "../src/index.ts";

function mark(atMs: number, text = "1"): Mark {
  return { tone: "acknowledged", atMs, text, description: `turn ${text}` };
}

function picture(changes: Partial<Picture> = {}): Picture {
  return { title: "A run", subtitle: "of a second", description: "what happened", endMs: 1_000, lanes: [], ...changes };
}

/** Every text of it that is seen. */
function textsOf(svg: string): unknown[] {
  const parser = new XMLParser({ isArray: (name) => name === "text", parseTagValue: false });
  const found: unknown[] = [];
  const look = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    for (const [name, value] of Object.entries(node)) {
      if (name === "text" && Array.isArray(value)) found.push(...value.map((one) => one["#text"] ?? one));
      else look(value);
    }
  };
  look(parser.parse(svg));
  return found;
}

describe("a timeline", () => {
  it("is well-formed, whatever its texts hold", () => {
    const odd = `<a & "b">`;
    const svg = drawTimeline(
      picture({
        title: odd,
        subtitle: odd,
        description: odd,
        lanes: [
          {
            name: odd,
            bars: [{ tone: "gone", startMs: 0, endMs: 900, label: odd }],
            marks: [{ ...mark(10, "<"), description: odd }],
          },
        ],
        moments: [{ atMs: 500, label: odd }],
        legend: [{ tone: "gone", text: odd }],
      }),
    );
    expect(XMLValidator.validate(svg)).toBe(true);
    expect(textsOf(svg)).toEqual(expect.arrayContaining([odd, "<"]));
  });

  it("is 900 pixels wide, has a background, a title and a description, and needs nothing from elsewhere", () => {
    const svg = drawTimeline(picture());
    expect(svg).toMatch(/^<svg [^>]*width="900" [^>]*role="img" aria-labelledby="title description">/);
    expect(svg).toContain('<title id="title">A run</title>\n<desc id="description">what happened</desc>');
    expect(svg).toMatch(/<rect class="paper" [^>]*width="899"/);
    expect(svg).not.toMatch(/href|url\(|@import|<script|<image/);
  });

  it("has a mark with its text where it happened, and ticks where marks would cover one another", () => {
    const apart = drawTimeline(picture({ lanes: [{ name: "neon", marks: [mark(0, "7"), mark(1_000, "8")] }] }));
    expect(textsOf(apart)).toEqual(expect.arrayContaining(["7", "8"]));
    expect(apart).toContain('cx="92.0"');
    expect(apart).toContain('cx="876.0"');
    const crowded = drawTimeline(picture({ lanes: [{ name: "neon", marks: [mark(500, "7"), mark(501, "8")] }] }));
    expect(crowded).not.toContain("<circle");
    expect(crowded.match(/<title>turn \d<\/title><rect class="acknowledged"/g)).toHaveLength(2);
  });

  it("writes a label into a bar that has room for it, else after it, and else only tells it", () => {
    const bars = [
      { tone: "gone", startMs: 0, endMs: 500, label: "killed" },
      { tone: "silent", startMs: 500, endMs: 501, label: "cut off" },
      { tone: "returning", startMs: 501, endMs: 502, label: "back" },
    ] as const;
    const svg = drawTimeline(picture({ lanes: [{ name: "neon", bars }] }));
    expect(svg).toMatch(/<text class="label" [^>]*>killed</);
    expect(svg).toMatch(/<text class="small" [^>]*>back</);
    expect(textsOf(svg)).not.toContain("cut off");
    expect(svg).toContain("<title>cut off</title>");
  });

  it("draws bars without labels as one path for each tone", () => {
    const bars = Array.from({ length: 500 }, (_, index) => ({
      tone: index % 2 === 0 ? ("gone" as const) : ("slow" as const),
      startMs: 2 * index,
      endMs: 2 * index + 1,
    }));
    const svg = drawTimeline(picture({ lanes: [{ name: "neon", bars }] }));
    expect(svg.match(/<path class="(gone|slow)"/g)).toHaveLength(2);
  });

  it("gives columns of all lanes the same scale", () => {
    const columns = (count: number) => ({ tone: "acknowledged", slotMs: 500, counts: [count, 0] }) as const;
    const lanes = [
      { name: "neon", columns: columns(10) },
      { name: "railway", columns: columns(5) },
    ];
    const svg = drawTimeline(picture({ lanes }));
    expect(svg).toContain("v-34.0h");
    expect(svg).toContain("v-17.0h");
  });

  it("keeps the label of a late moment inside", () => {
    const svg = drawTimeline(picture({ moments: [{ atMs: 990, label: "all equal" }] }));
    expect(svg).toMatch(/text-anchor="end">all equal/);
  });

  it("can be drawn of a run in which nothing happened", () => {
    const svg = drawTimeline(picture({ endMs: 0, lanes: [{ name: "neon", bars: [], marks: [] }] }));
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(XMLValidator.validate(svg)).toBe(true);
  });

  it("is the same text for the same run", () => {
    expect(drawTimeline(picture())).toBe(drawTimeline(picture()));
  });
});
