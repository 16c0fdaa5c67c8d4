import { drawTimeline, type Columns, type Picture, type Span, type Tone } from "@rivet/timeline-picture";
import { NAMES } from "../cluster.ts";
import { SHORTEST_GAP_MS, SLOT_MS, STORES, type FaultClass, type Timeline } from "./timeline.ts";

/** The name of each class in the legend. */
const CLASSES: readonly { readonly tone: FaultClass; readonly text: string }[] = [
  { tone: "gone", text: "killed, refused, reset" },
  { tone: "silent", text: "stopped, silent, replies lost" },
  { tone: "slow", text: "delayed, slow link" },
  { tone: "writer", text: "writer killed, clock wrong" },
];

export function timelineSVG(timeline: Timeline): string {
  return drawTimeline(pictureOf(timeline));
}

function pictureOf(timeline: Timeline): Picture {
  const { faultsMs, endMs, gaps } = timeline;
  return {
    title: title(timeline),
    subtitle: `Messages per ${SLOT_MS} ms by the store that acknowledged them; ${outcome(timeline)}`,
    description: `${title(timeline)}: ${STORES.map((store) => acknowledgedBy(timeline, store)).join(", ")}; ${outcome(timeline)}.`,
    endMs,
    lanes: [
      ...NAMES.map((name) => ({
        name,
        bars: barsOf(timeline, (target) => target === name),
        columns: columnsOf(timeline, name, "acknowledged"),
      })),
      { name: "journal", columns: columnsOf(timeline, "local", "local") },
      { name: "writers", bars: barsOf(timeline, (target) => target.startsWith("writer")) },
    ],
    spans: [{ tone: "converging", startMs: faultsMs, endMs }, ...gaps.map((gap): Span => ({ tone: "gap", ...gap }))],
    legend: [
      ...CLASSES,
      { tone: "gap", text: `nothing for ${SHORTEST_GAP_MS} ms` },
      { tone: "converging", text: "converging" },
    ],
  };
}

function barsOf({ bars }: Timeline, isWanted: (target: string) => boolean): Span[] {
  const wanted = bars.filter(({ target }) => isWanted(target));
  return wanted.map(({ class: tone, startMs, endMs }) => ({ tone, startMs, endMs }));
}

function columnsOf({ acknowledged }: Timeline, store: (typeof STORES)[number], tone: Tone): Columns {
  return { tone, slotMs: SLOT_MS, counts: acknowledged[store] };
}

function title({ bars, stoppedMs, acknowledged }: Timeline): string {
  const atoms = sumOf(Object.values(acknowledged).flat());
  const seconds = (stoppedMs / 1_000).toFixed(0);
  return `${bars.length.toLocaleString("en")} strikes in ${seconds} s, ${atoms.toLocaleString("en")} acknowledged messages`;
}

function outcome({ gaps, convergedMs }: Timeline): string {
  const longest = Math.max(0, ...gaps.map(({ startMs, endMs }) => endMs - startMs));
  const gap = longest === 0 ? `no gap of ${SHORTEST_GAP_MS} ms` : `longest gap ${longest.toFixed(0)} ms`;
  const end =
    convergedMs === undefined ? "stores not equal in the end" : `stores equal ${convergedMs} ms after the last fault`;
  return `${gap}; ${end}`;
}

function acknowledgedBy({ acknowledged }: Timeline, store: (typeof STORES)[number]): string {
  return `${sumOf(acknowledged[store]).toLocaleString("en")} by ${store === "local" ? "the journals" : store}`;
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
