import type { JsonValue } from "@rivet/memory-core";
import { describe, expect, it } from "vitest";
import { ago, amount } from "../page/src/format.ts";
import { placeLabels } from "../page/src/providers/labels.ts";
import { rowAfter } from "../page/src/sessions/row-keys.ts";
import { blocksOf, inlinesOf } from "../page/src/text/markdown.ts";
import { slicesOf } from "../page/src/text/slices.ts";
import { visible } from "../page/src/text/visible.ts";
import { withFirstPage } from "../page/src/sessions/shown-sessions.ts";
import { chunksOf } from "../page/src/session/chunks.ts";
import { placesText } from "../page/src/session/places-text.ts";
import { timelineItems, type TimelineItem } from "../page/src/session/timeline-items.ts";
import { excerptOf } from "../src/reading/excerpt.ts";
import { imageOf } from "../src/reading/images.ts";
import { labelOf } from "../src/label.ts";
import type { AtomEntry, SessionEntry, SessionPage } from "../src/wire.ts";
import { PNG_BASE64 } from "./stories.ts";

let count = 0;
function atom(memoryType: string, content: JsonValue, metadata: Record<string, JsonValue> = {}): AtomEntry {
  count += 1;
  return {
    id: `atom-${count}`,
    memoryType,
    content,
    metadata,
    createdAt: "2026-11-24T00:00:00Z",
    isCut: false,
    images: {},
  };
}
const call = (toolCallId: string): JsonValue => [{ type: "tool-call", toolCallId, toolName: "look", input: {} }];
const result = (toolCallId: string): JsonValue => [
  { type: "tool-result", toolCallId, toolName: "look", output: { type: "text", value: "seen" } },
];

describe("times and amounts", () => {
  it.each([60, 3_599, 3_600, 86_399, 86_400, 2_592_000, 31_535_999, 31_536_000, 400_000_000])(
    "are written as English has them: %i",
    (seconds) => {
      const units = { year: 31_536_000, month: 2_592_000, day: 86_400, hour: 3_600, minute: 60 } as const;
      const unit = (["year", "month", "day", "hour", "minute"] as const).find((name) => seconds >= units[name]);
      if (unit === undefined) throw new Error("less than a minute");
      const english = new Intl.RelativeTimeFormat("en", { style: "narrow" });
      const past = ago(new Date(0).toISOString(), seconds * 1_000);
      expect(past).toBe(english.format(-Math.floor(seconds / units[unit]), unit));
      expect(amount(seconds)).toBe(new Intl.NumberFormat("en").format(seconds));
    },
  );

  it("says of less than a minute that it is now, also of a clock that runs ahead", () => {
    expect(ago(new Date(0).toISOString(), 59_999)).toBe("just now");
    expect(ago(new Date(1_000).toISOString(), 0)).toBe("just now");
  });
});

describe("the entries of a timeline", () => {
  it("have results with their calls, by the latest call of an id", () => {
    const first = atom("message_assistant", call("a"));
    const answer = atom("message_tool", result("a"));
    const second = atom("message_assistant", call("a"));
    const plain = atom("message_tool", "seen too", { toolCallId: "a" });
    const items = timelineItems([first, answer, second, plain]);
    expect(items.map(({ atom, results }) => [atom, results.map((one) => one.atom)])).toEqual([
      [first, [answer]],
      [second, [plain]],
    ]);
  });

  it("have results by themselves whose call is not there, and facts and messages in their order", () => {
    const orphan = atom("message_tool", result("gone"));
    const fact = atom("decision", { decision: "yes" });
    const bare = atom("message_tool", "no call is named");
    expect(timelineItems([orphan, fact, bare]).map((item) => item.atom)).toEqual([orphan, fact, bare]);
  });

  it("are in chunks that stay the same objects when others come before and after them", () => {
    const entries = (length: number): TimelineItem[] =>
      timelineItems(Array.from({ length }, (_, index) => atom("message_user", String(index))));
    const middle = entries(100);
    const chunks = chunksOf(middle, []);
    expect(chunks.map(({ items }) => items.length)).toEqual([40, 40, 20]);
    const grown = chunksOf([...entries(50), ...middle, ...entries(1)], chunks);
    expect(grown.map(({ items }) => items.length)).toEqual([40, 10, 40, 40, 21]);
    expect(grown[3]).toBe(chunks[1]);
    expect(chunksOf(middle, chunks).every((chunk, index) => chunk === chunks[index])).toBe(true);
  });
});

describe("the keys of the list", () => {
  const place = { selected: 10, count: 40, rowsInView: 12 };
  it.each([
    ["ArrowDown", 11],
    ["ArrowUp", 9],
    ["PageDown", 21],
    ["PageUp", 0],
    ["Home", 0],
    ["End", 39],
    ["Enter", undefined],
    ["a", undefined],
  ])("%s leads to row %s", (key, row) => {
    expect(rowAfter(key, place, false)).toBe(row);
  });

  it("Home and End stay with a field, and Enter opens the first row that was found", () => {
    expect(rowAfter("Home", place, true)).toBeUndefined();
    expect(rowAfter("End", place, true)).toBeUndefined();
    expect(rowAfter("Enter", { ...place, selected: -1 }, true)).toBe(0);
  });
});

describe("a list of sessions", () => {
  const session = (number: number): SessionEntry => ({
    key: `s${number}`,
    sessionId: `s${number}`,
    userId: "ada",
    createdAt: "2026-11-24T00:00:00Z",
    lastActive: "2026-11-24T00:00:00Z",
    lastAtomId: String(number).padStart(4, "0"),
    messageCount: 1,
    metadata: {},
  });
  const from = (newest: number, length: number): SessionEntry[] =>
    Array.from({ length }, (_, index) => session(newest - index));
  const pageOf = (sessions: SessionEntry[]): SessionPage => ({ sessions, next: sessions.at(-1)?.lastAtomId ?? "" });

  it("goes on after its first page, without what has moved there or was deleted", () => {
    const shown = { sessions: from(300, 200), next: "0101" };
    const moved = { ...session(150), lastAtomId: "0301" };
    const first = [moved, ...from(300, 99).filter(({ key }) => key !== "s280")];
    const { sessions = [], next } = withFirstPage(shown, pageOf(first));
    expect(next).toBe("0101");
    expect(new Set(sessions.map(({ key }) => key)).size).toBe(sessions.length);
    expect(sessions.map(({ key }) => key)).toEqual(
      [moved, ...from(300, 200)]
        .map(({ key }) => key)
        .filter((key, index) => key !== "s280" && (key !== "s150" || index === 0)),
    );
  });

  it("begins anew where so much is new that nobody knows what lies between", () => {
    const first = pageOf(from(900, 100));
    expect(withFirstPage({ sessions: from(300, 200), next: "0101" }, first)).toEqual(first);
  });
});

describe("a text", () => {
  it("is parsed into blocks, of which code is taken as it is", () => {
    expect(blocksOf("# Title\nOne\ntwo\n\n- a\n- b\n```js\n# no title\n\n- no item\n```\nend")).toEqual([
      { type: "heading", text: "Title" },
      { type: "paragraph", text: "One\ntwo" },
      {
        type: "list",
        items: [
          { marker: "•", text: "a" },
          { marker: "•", text: "b" },
        ],
      },
      { type: "code", language: "js", text: "# no title\n\n- no item" },
      { type: "paragraph", text: "end" },
    ]);
    expect(blocksOf("A | B\n--- | :-:\n1 | `x` | more\n| a \\| b |\nend")).toEqual([
      {
        type: "table",
        head: ["A", "B"],
        rows: [
          ["1", "`x`"],
          ["a | b", ""],
        ],
      },
      { type: "paragraph", text: "end" },
    ]);
    expect(blocksOf("a | b\n-|-|-")).toEqual([{ type: "paragraph", text: "a | b\n-|-|-" }]);
    expect(blocksOf("```\nnever closed")).toEqual([{ type: "code", language: "", text: "never closed" }]);
  });

  it("is parsed into runs, and loses nothing that is no mark", () => {
    expect(inlinesOf("a `b*c*` **d** *e* 2*3*4 <b>")).toEqual([
      { type: "text", text: "a " },
      { type: "code", text: "b*c*" },
      { type: "text", text: " " },
      { type: "strong", text: "d" },
      { type: "text", text: " " },
      { type: "emphasis", text: "e" },
      { type: "text", text: " 2*3*4 <b>" },
    ]);
  });

  it("is parsed in a moment, whatever it says", () => {
    const startMs = performance.now();
    expect(
      inlinesOf("**a ".repeat(10_000))
        .map(({ text }) => text)
        .join(""),
    ).toBe("**a ".repeat(10_000));
    expect(performance.now() - startMs).toBeLessThan(200);
  });

  it("is cut between lines where it is long, and never within a character", () => {
    const line = "x".repeat(9_999);
    expect(slicesOf(`${line}\n${line}\nend`)).toEqual([line, `${line}\nend`]);
    const faces = `x${"😀".repeat(10_000)}`;
    const slices = slicesOf(faces);
    expect(slices.length).toBeGreaterThan(1);
    expect(slices.every((slice) => slice.isWellFormed())).toBe(true);
    expect(slices.join("")).toBe(faces);
  });

  it("shows what would not be seen", () => {
    expect(visible("a\0b\u001b[31m\u202ec\ud800")).toBe("a␀b␛[31m⟨U+202E⟩c⟨U+D800⟩");
    expect(visible("plain\n\ttext 😀 é")).toBe("plain\n\ttext 😀 é");
  });
});

describe("the labels of the plot", () => {
  it("cover no other, and end where the plot does", () => {
    const placed = placeLabels(
      [
        { x: 100, length: 10 },
        { x: 110, length: 9 },
        { x: 300, length: 6 },
        { x: 399, length: 6 },
      ],
      400,
    );
    expect(placed).toEqual([
      { x: 100, row: 0 },
      { x: 110, row: 1 },
      { x: 300, row: 0 },
      { x: 379, row: 0 },
    ]);
    const crowded = placeLabels(
      Array.from({ length: 5 }, () => ({ x: 100, length: 10 })),
      400,
    );
    expect(crowded.map((label) => label?.row)).toEqual([0, 1, 2, 3, undefined]);
  });
});

describe("an excerpt", () => {
  it("has the shape of the whole, and no more than so many characters", () => {
    const { value, isCut } = excerptOf({ a: "x".repeat(50), b: ["y".repeat(100), "z"] }, 80);
    expect(isCut).toBe(true);
    expect(value).toMatchObject({ a: "x".repeat(50) });
    expect(JSON.stringify(value).length).toBeLessThan(120);
  });

  it("is the whole when that is short, with every key", () => {
    const whole: JsonValue = JSON.parse('{"__proto__": {"a": [1, null, true]}, "constructor": "b"}');
    expect(JSON.stringify(excerptOf(whole, 1_000).value)).toBe(JSON.stringify(whole));
    expect(excerptOf(whole, 1_000).isCut).toBe(false);
  });

  it("is short of a million numbers too, and leaves no half of a character", () => {
    const { value, isCut } = excerptOf(
      Array.from({ length: 1_000_000 }, () => 1),
      1_000,
    );
    expect(isCut).toBe(true);
    expect(value).toHaveLength(249);
    expect(excerptOf("ab😀", 3).value).toBe("ab");
  });
});

describe("a part of a message", () => {
  it("is a picture by what its bytes say, and never what a browser might run", () => {
    expect(imageOf({ type: "image", image: PNG_BASE64 })?.mediaType).toBe("image/png");
    expect(imageOf({ type: "image", image: `data:image/svg+xml;base64,${PNG_BASE64}` })?.mediaType).toBe("image/png");
    expect(imageOf({ type: "file", data: { type: "data", data: PNG_BASE64 }, mediaType: "text/html" })?.mediaType).toBe(
      "image/png",
    );
    expect(
      imageOf({ type: "image", image: btoa("<svg onload='alert(1)'>"), mediaType: "image/svg+xml" }),
    ).toBeUndefined();
    expect(imageOf({ type: "image", image: "https://example.com/a.png" })).toBeUndefined();
    expect(imageOf({ type: "text", text: PNG_BASE64 })).toBeUndefined();
  });
});

describe("the label", () => {
  it("names the database, and neither user nor password nor parameters", () => {
    expect(labelOf("postgres://ada:secret@db.example:5432/agent?sslmode=require")).toBe(
      "postgres://db.example:5432/agent",
    );
    expect(labelOf("postgres://a:secret@[bad")).toBe("postgres");
    expect(labelOf("sqlite:./agent.db")).toBe("sqlite:./agent.db");
  });
});

describe("where an atom lives", () => {
  it("is said by the names of providers, and not at all of one store", () => {
    expect(placesText({ heldBy: ["neon", "railway"], lackedBy: [], unreachable: [] })).toBe("Held by neon, railway.");
    expect(placesText({ heldBy: ["neon"], lackedBy: ["supabase"], unreachable: ["railway"] })).toBe(
      "Held by neon. Not yet held by supabase. Could not be asked: railway.",
    );
    expect(placesText({ heldBy: [], lackedBy: [], unreachable: [] })).toBe("");
  });
});
