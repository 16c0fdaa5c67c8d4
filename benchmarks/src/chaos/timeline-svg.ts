import { NAMES } from "../cluster.ts";
import { SHORTEST_GAP_MS, SLOT_MS, STORES, type Bar, type FaultClass, type Timeline } from "./timeline.ts";

const WIDTH = 900;
const LEFT = 84;
const RIGHT = 16;
const PLOT = WIDTH - LEFT - RIGHT;
const TOP = 62;
const FAULT_HEIGHT = 12;
const CHART_HEIGHT = 34;
const LANE_GAP = 16;
/** A shorter fault is still seen. */
const SMALLEST_WIDTH = 1.5;
/** The width of a column of acknowledgements, at the least. */
const COLUMN_WIDTH = 1.25;

/** What a class is called in the legend. */
const LEGEND: Readonly<Record<FaultClass, string>> = {
  gone: "killed, refused, reset",
  silent: "stopped, silent, replies lost",
  slow: "delayed",
  writer: "writer killed, clock wrong",
};

/** Colours that can be read on white and on black: a picture in a page does not learn which of them the page has. */
const STYLE = `
  text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #757e88 }
  .title { font-size: 15px; font-weight: 600 }
  .name { font-weight: 600 }
  .small { font-size: 11px }
  .axis { stroke: #8c959f; stroke-opacity: .45; fill: none }
  .track { fill: #8c959f; fill-opacity: .16 }
  .gone { fill: #e5484d }
  .silent { fill: #8e63e8 }
  .slow { fill: #c98a04 }
  .writer { fill: #7d8793 }
  .acknowledged { fill: #2fa850 }
  .local { fill: #1a8fd8 }
  .gap { fill: #e5484d; fill-opacity: .24 }
  .converging { fill: #2fa850; fill-opacity: .16 }`;

/** The run as a picture of 900 pixels in width, for light and dark backgrounds. */
export function timelineSVG(timeline: Timeline): string {
  const { faultsMs, endMs, gaps } = timeline;
  const x = (ms: number): number => LEFT + (Math.min(Math.max(ms, 0), endMs) / endMs) * PLOT;
  const lanes = NAMES.map((name, index) => {
    const y = TOP + index * (FAULT_HEIGHT + CHART_HEIGHT + LANE_GAP);
    return providerLane(timeline, name, y, x);
  });
  const localY = TOP + NAMES.length * (FAULT_HEIGHT + CHART_HEIGHT + LANE_GAP);
  const writersY = localY + CHART_HEIGHT + LANE_GAP;
  const bottom = writersY + FAULT_HEIGHT + 8;
  const shade = (className: string, startMs: number, stopMs: number): string =>
    rectangle(className, x(startMs), TOP - 4, x(stopMs) - x(startMs), bottom - TOP + 4);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + 48}" width="${WIDTH}" role="img" aria-label="${title(timeline)}">
<style>${STYLE}
</style>
<text class="title" x="${LEFT}" y="20">${title(timeline)}</text>
<text x="${LEFT}" y="40">${subtitle(timeline)}</text>
${shade("converging", faultsMs, endMs)}
${gaps.map((gap) => shade("gap", gap.startMs, gap.endMs)).join("\n")}
${lanes.join("\n")}
<text class="name" x="${LEFT - 10}" y="${localY + CHART_HEIGHT / 2 + 4}" text-anchor="end">journal</text>
${chart(timeline, "local", localY, x)}
<text class="name" x="${LEFT - 10}" y="${writersY + FAULT_HEIGHT - 1}" text-anchor="end">writers</text>
${faultBars(timeline, (target) => target.startsWith("writer"), writersY, x)}
${axis(timeline, bottom, x)}
${legend(bottom + 40)}
</svg>
`;
}

type Scale = (ms: number) => number;

function title({ bars, stoppedMs, acknowledged }: Timeline): string {
  const atoms = Object.values(acknowledged)
    .flat()
    .reduce((sum, count) => sum + count, 0);
  const seconds = (stoppedMs / 1_000).toFixed(0);
  return `${bars.length.toLocaleString("en")} strikes in ${seconds} s, ${atoms.toLocaleString("en")} acknowledged messages`;
}

function subtitle({ gaps, convergedMs }: Timeline): string {
  const longest = Math.max(0, ...gaps.map(({ startMs, endMs }) => endMs - startMs));
  const gap = longest === 0 ? `no gap of ${SHORTEST_GAP_MS} ms` : `longest gap ${longest.toFixed(0)} ms`;
  const end =
    convergedMs === undefined ? "stores not equal in the end" : `stores equal ${convergedMs} ms after the last fault`;
  return `Messages per ${SLOT_MS} ms by the store that acknowledged them; ${gap}; ${end}`;
}

function providerLane(timeline: Timeline, name: (typeof NAMES)[number], y: number, x: Scale): string {
  return [
    `<text class="name" x="${LEFT - 10}" y="${y + FAULT_HEIGHT + CHART_HEIGHT / 2}" text-anchor="end">${name}</text>`,
    faultBars(timeline, (target) => target === name, y, x),
    chart(timeline, name, y + FAULT_HEIGHT + 2, x),
  ].join("\n");
}

/** One path a class: a run of half an hour has thousands of bars. */
function faultBars({ bars }: Timeline, isWanted: (target: string) => boolean, y: number, x: Scale): string {
  const byClass = Map.groupBy(
    bars.filter(({ target }) => isWanted(target)),
    (bar) => bar.class,
  );
  const outline = ({ startMs, endMs }: Bar): string => {
    const width = Math.max(SMALLEST_WIDTH, x(endMs) - x(startMs));
    return `M${x(startMs).toFixed(1)} ${y}h${width.toFixed(1)}v${FAULT_HEIGHT}h-${width.toFixed(1)}z`;
  };
  return [
    rectangle("track", LEFT, y, PLOT, FAULT_HEIGHT),
    ...[...byClass].map(([name, found]) => `<path class="${name}" d="${found.map(outline).join("")}"/>`),
  ].join("\n");
}

/** Columns of all stores have the same scale. */
function chart(timeline: Timeline, store: (typeof STORES)[number], y: number, x: Scale): string {
  const slotsPerColumn = Math.max(1, Math.ceil((timeline.endMs / SLOT_MS / PLOT) * COLUMN_WIDTH));
  const columns = Object.fromEntries(STORES.map((name) => [name, summed(timeline.acknowledged[name], slotsPerColumn)]));
  const most = Math.max(1, ...Object.values(columns).flat());
  const bottom = y + CHART_HEIGHT;
  const width = x(slotsPerColumn * SLOT_MS) - x(0);
  const outlines = (columns[store] ?? []).map((count, index) => {
    const height = (count / most) * CHART_HEIGHT;
    const left = x(index * slotsPerColumn * SLOT_MS);
    return height === 0 ? "" : `M${left.toFixed(1)} ${bottom}v-${height.toFixed(1)}h${width.toFixed(2)}V${bottom}z`;
  });
  return [
    `<path class="${store === "local" ? "local" : "acknowledged"}" d="${outlines.join("")}"/>`,
    `<path class="axis" d="M${LEFT} ${bottom + 0.5}h${PLOT}"/>`,
  ].join("\n");
}

function summed(counts: readonly number[], perSum: number): number[] {
  const sums: number[] = [];
  for (let index = 0; index < counts.length; index += perSum) {
    sums.push(counts.slice(index, index + perSum).reduce((sum, count) => sum + count, 0));
  }
  return sums;
}

function axis({ endMs }: Timeline, y: number, x: Scale): string {
  const stepMs =
    [1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000].find((step) => endMs / step <= 12) ?? endMs;
  const isMinutes = stepMs >= 60_000;
  const ticks: string[] = [];
  for (let ms = 0; ms <= endMs; ms += stepMs) {
    const text = isMinutes ? `${ms / 60_000} min` : `${ms / 1_000} s`;
    ticks.push(`<text class="small" x="${x(ms).toFixed(1)}" y="${y + 12}" text-anchor="middle">${text}</text>`);
  }
  return ticks.join("\n");
}

function legend(y: number): string {
  let left = LEFT;
  const entries = [
    ...Object.entries(LEGEND),
    ["gap", `nothing for ${SHORTEST_GAP_MS} ms`],
    ["converging", "converging"],
  ].map(([className, text = ""]) => {
    const entry = `${rectangle(className ?? "", left, y - 9, 10, 10)}<text class="small" x="${left + 14}" y="${y}">${text}</text>`;
    left += 30 + text.length * 5.5;
    return entry;
  });
  return entries.join("\n");
}

function rectangle(className: string, x: number, y: number, width: number, height: number): string {
  return `<rect class="${className}" x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${height}"/>`;
}
