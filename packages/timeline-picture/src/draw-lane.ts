import { escaped, LEFT, PLOT_WIDTH, rectangle, textWidth, type Scale } from "./layout.ts";
import type { Columns, Lane, Mark, Picture, Span } from "./picture.ts";

const THIN_STRIP = 12;
const LABELLED_STRIP = 18;
const COLUMNS_HEIGHT = 34;
const MARKS_HEIGHT = 26;
const BETWEEN = 2;
const MARK_RADIUS = 8.5;
const TICK_WIDTH = 2;
const LABEL_INDENT = 5;
/** A shorter bar is still seen. */
const SMALLEST_WIDTH = 1.5;
/** The width of a column, at the least. */
const COLUMN_WIDTH = 1.25;

/** The properties that all lanes of a picture share. */
export interface Surroundings {
  readonly x: Scale;
  readonly stripHeight: number;
  /** Whether marks would cover one another. */
  readonly isCrowded: boolean;
  readonly slotsPerColumn: number;
  readonly highestColumn: number;
}

export function surroundingsOf({ lanes, endMs }: Picture, x: Scale): Surroundings {
  const isLabelled = lanes.some(({ bars = [] }) => bars.some(({ label }) => label !== undefined));
  const slotMs = Math.max(0, ...lanes.map(({ columns }) => columns?.slotMs ?? 0));
  const slotsPerColumn = slotMs === 0 ? 1 : Math.max(1, Math.ceil((endMs / slotMs / PLOT_WIDTH) * COLUMN_WIDTH));
  const sums = lanes.flatMap(({ columns }) => (columns === undefined ? [] : summed(columns.counts, slotsPerColumn)));
  return {
    x,
    stripHeight: isLabelled ? LABELLED_STRIP : THIN_STRIP,
    isCrowded: lanes.some(({ marks = [] }) => isCrowded(marks, x)),
    slotsPerColumn,
    highestColumn: sums.reduce((most, sum) => Math.max(most, sum), 1),
  };
}

function isCrowded(marks: readonly Mark[], x: Scale): boolean {
  const places = marks.map(({ atMs }) => x(atMs)).toSorted((left, right) => left - right);
  return places.some((place, index) => place - (places[index - 1] ?? -Infinity) < 2 * MARK_RADIUS);
}

export function laneHeight(lane: Lane, { stripHeight }: Surroundings): number {
  const strip = lane.bars === undefined ? 0 : stripHeight;
  const content = contentHeight(lane);
  return strip + (strip > 0 && content > 0 ? BETWEEN : 0) + content;
}

function contentHeight({ marks, columns }: Lane): number {
  if (columns !== undefined) return COLUMNS_HEIGHT;
  return marks === undefined ? 0 : MARKS_HEIGHT;
}

/** @param y of its upper edge. */
export function drawLane(lane: Lane, y: number, around: Surroundings): string {
  const { name, bars, marks, columns } = lane;
  const height = laneHeight(lane, around);
  const contentY = y + height - contentHeight(lane);
  return [
    `<text class="name" x="${LEFT - 16}" y="${y + height / 2 + 4}" text-anchor="end">${escaped(name)}</text>`,
    ...(bars === undefined ? [] : [drawBars(bars, y, around)]),
    ...(columns === undefined ? [] : [drawColumns(columns, contentY, around)]),
    ...(marks === undefined ? [] : [drawMarks(marks, contentY, around)]),
  ].join("\n");
}

function drawBars(bars: readonly Span[], y: number, around: Surroundings): string {
  const { x, stripHeight } = around;
  const labelled = bars.flatMap((bar) => {
    const { tone, label, startMs } = bar;
    if (label === undefined) return [];
    const body = rectangle(tone, x(startMs), y, widthOf(bar, x), stripHeight);
    return `<g><title>${escaped(label)}</title>${body}${drawLabel(label, bar, bars, y, around)}</g>`;
  });
  // One path a tone: a run of half an hour has thousands of bars.
  const byTone = Map.groupBy(
    bars.filter(({ label }) => label === undefined),
    ({ tone }) => tone,
  );
  const paths = [...byTone].map(([tone, found]) => {
    const outlines = found.map((bar) => {
      const width = widthOf(bar, x).toFixed(1);
      return `M${x(bar.startMs).toFixed(1)} ${y}h${width}v${stripHeight}h-${width}z`;
    });
    return `<path class="${tone}" d="${outlines.join("")}"/>`;
  });
  return [rectangle("track", LEFT, y, PLOT_WIDTH, stripHeight), ...paths, ...labelled].join("\n");
}

function widthOf({ startMs, endMs }: Span, x: Scale): number {
  return Math.max(SMALLEST_WIDTH, x(endMs) - x(startMs));
}

/** In the bar, else after it, else nowhere: where there is room. */
function drawLabel(label: string, bar: Span, bars: readonly Span[], y: number, around: Surroundings): string {
  const { x, stripHeight } = around;
  const [left, width] = [x(bar.startMs), widthOf(bar, x)];
  const text = (className: string, start: number): string =>
    `<text class="${className}" x="${start.toFixed(1)}" y="${y + stripHeight / 2 + 4}">${escaped(label)}</text>`;
  if (textWidth(label) + 2 * LABEL_INDENT <= width) return text("label", left + LABEL_INDENT);
  const later = bars.filter(({ startMs }) => startMs >= bar.endMs).map(({ startMs }) => x(startMs));
  const room = Math.min(LEFT + PLOT_WIDTH, ...later) - left - width;
  return textWidth(label) + 2 * LABEL_INDENT <= room ? text("small", left + width + LABEL_INDENT) : "";
}

function drawColumns({ tone, slotMs, counts }: Columns, y: number, around: Surroundings): string {
  const { x, slotsPerColumn, highestColumn } = around;
  const bottom = y + COLUMNS_HEIGHT;
  const width = x(slotsPerColumn * slotMs) - x(0);
  const outlines = summed(counts, slotsPerColumn).map((sum, index) => {
    const height = (sum / highestColumn) * COLUMNS_HEIGHT;
    const left = x(index * slotsPerColumn * slotMs);
    return height === 0 ? "" : `M${left.toFixed(1)} ${bottom}v-${height.toFixed(1)}h${width.toFixed(2)}V${bottom}z`;
  });
  return [`<path class="${tone}" d="${outlines.join("")}"/>`, baseline(bottom)].join("\n");
}

function summed(counts: readonly number[], perSum: number): number[] {
  const sums: number[] = [];
  for (let index = 0; index < counts.length; index += perSum) {
    sums.push(counts.slice(index, index + perSum).reduce((sum, count) => sum + count, 0));
  }
  return sums;
}

/** Discs with their text; where these would cover one another, ticks. */
function drawMarks(marks: readonly Mark[], y: number, { x, isCrowded: isNarrow }: Surroundings): string {
  const centerY = y + MARKS_HEIGHT / 2;
  const drawn = marks.map(({ tone, atMs, text, description }) => {
    const center = x(atMs);
    const disc = `<circle class="${tone}" cx="${center.toFixed(1)}" cy="${centerY}" r="${MARK_RADIUS}"/><text class="mark" x="${center.toFixed(1)}" y="${centerY + 3.5}" text-anchor="middle">${escaped(text)}</text>`;
    const tick = rectangle(tone, center - TICK_WIDTH / 2, centerY - MARK_RADIUS, TICK_WIDTH, 2 * MARK_RADIUS);
    return `<g><title>${escaped(description)}</title>${isNarrow ? tick : disc}</g>`;
  });
  return [baseline(centerY), ...drawn].join("\n");
}

function baseline(y: number): string {
  return `<path class="axis" d="M${LEFT} ${y}h${PLOT_WIDTH}"/>`;
}
