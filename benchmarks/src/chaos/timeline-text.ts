import { STORES, type FaultClass, type Timeline } from "./timeline.ts";

const COLUMNS = 100;
const LEVELS = " ▁▂▃▄▅▆▇█";
const MARKS: Readonly<Record<FaultClass, string>> = { gone: "x", silent: "s", slow: "d", writer: "k" };

/** A row of faults and one of acknowledgements for each store, and the longest gaps. */
export function timelineText(timeline: Timeline): string {
  const { endMs, stoppedMs, gaps, bars } = timeline;
  const columnMs = endMs / COLUMNS;
  const rows = STORES.flatMap((store) => [
    ...(store === "local"
      ? []
      : [
          row(
            store,
            faultMarks(timeline, columnMs, (target) => target === store),
          ),
        ]),
    row(store === "local" ? store : "", levels(timeline.acknowledged[store])),
  ]);
  const longest = gaps.toSorted((left, right) => length(right) - length(left)).slice(0, 5);
  return [
    ...rows,
    row(
      "writers",
      faultMarks(timeline, columnMs, (target) => target.startsWith("writer")),
    ),
    row("", `0${`${(endMs / 1_000).toFixed(1)} s`.padStart(COLUMNS - 1)}`),
    "x gone · s silent · d delayed or over a slow link · k writer killed or its clock wrong · blocks: acknowledged atoms",
    `${bars.length} strikes in ${(stoppedMs / 1_000).toFixed(1)} s; gaps without any acknowledgement, in ms: ${
      longest.map((gap) => `${length(gap).toFixed(0)} at ${(gap.startMs / 1_000).toFixed(1)} s`).join(", ") || "none"
    }`,
    "",
  ].join("\n");
}

function row(name: string, cells: string): string {
  return `${name.padEnd(9)} ${cells}`;
}

function length({ startMs, endMs }: { readonly startMs: number; readonly endMs: number }): number {
  return endMs - startMs;
}

function faultMarks({ bars }: Timeline, columnMs: number, isWanted: (target: string) => boolean): string {
  const cells = Array.from({ length: COLUMNS }, () => "·");
  for (const bar of bars.filter(({ target }) => isWanted(target))) {
    const last = Math.min(COLUMNS - 1, Math.floor(bar.endMs / columnMs));
    for (let column = Math.floor(bar.startMs / columnMs); column <= last; column++) cells[column] = MARKS[bar.class];
  }
  return cells.join("");
}

function levels(counts: readonly number[]): string {
  const sums = Array.from({ length: COLUMNS }, () => 0);
  for (const [slot, count] of counts.entries()) {
    const column = Math.floor((slot * COLUMNS) / counts.length);
    sums[column] = (sums[column] ?? 0) + count;
  }
  const most = Math.max(1, ...sums);
  return sums.map((sum) => LEVELS[Math.ceil((sum / most) * (LEVELS.length - 1))]).join("");
}
