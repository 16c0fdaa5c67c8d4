import { drawLane, laneHeight, surroundingsOf } from "./draw-lane.ts";
import { escaped, LEFT, rectangle, scaleOf, textWidth, WIDTH, type Scale } from "./layout.ts";
import type { Moment, Picture, Span } from "./picture.ts";
import { STYLE } from "./style.ts";

const TOP = 78;
const LANE_GAP = 16;
const LEGEND_LEFT = 24;
const TICK_STEPS_MS = [1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000];
const MOST_TICKS = 12;

/**
 * The run as an SVG of 900 pixels in width: pure.
 *
 * @example
 * await writeFile("run.svg", drawTimeline(picture));
 */
export function drawTimeline(picture: Picture): string {
  const { title, subtitle, description, spans = [], moments = [] } = picture;
  const x = scaleOf(picture);
  const around = surroundingsOf(picture, x);
  let y = TOP;
  const lanes = picture.lanes.map((lane) => {
    const drawn = drawLane(lane, y, around);
    y += laneHeight(lane, around) + LANE_GAP;
    return drawn;
  });
  const bottom = y - LANE_GAP + 8;
  const height = bottom + 54;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title description">
<title id="title">${escaped(title)}</title>
<desc id="description">${escaped(description)}</desc>
<style>${STYLE}
</style>
<rect class="paper" x=".5" y=".5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>
<text class="title" x="${LEFT}" y="26">${escaped(title)}</text>
<text x="${LEFT}" y="46">${escaped(subtitle)}</text>
${spans.map((span) => drawSpan(span, bottom, x)).join("\n")}
${moments.map((moment) => drawMoment(moment, bottom, x)).join("\n")}
${lanes.join("\n")}
${drawAxis(picture, bottom, x)}
${drawLegend(picture, bottom + 40)}
</svg>
`;
}

function drawSpan({ tone, startMs, endMs, label }: Span, bottom: number, x: Scale): string {
  const area = rectangle(tone, x(startMs), TOP - 6, x(endMs) - x(startMs), bottom - TOP + 6);
  return label === undefined ? area : `<g><title>${escaped(label)}</title>${area}</g>`;
}

function drawMoment({ atMs, label }: Moment, bottom: number, x: Scale): string {
  // Near the right edge a text would leave the picture.
  const isLate = x(atMs) + textWidth(label) > WIDTH;
  const place = `x="${(x(atMs) + (isLate ? 4 : 0)).toFixed(1)}" y="${TOP - 11}" text-anchor="${isLate ? "end" : "middle"}"`;
  const line = `<path class="moment" d="M${x(atMs).toFixed(1)} ${TOP - 6}V${bottom}"/>`;
  return `${line}<text class="moment-label" ${place}>${escaped(label)}</text>`;
}

function drawAxis({ endMs }: Picture, y: number, x: Scale): string {
  const stepMs = TICK_STEPS_MS.find((step) => endMs / step <= MOST_TICKS) ?? Math.max(1, endMs);
  const ticks: string[] = [];
  for (let ms = 0; ms <= endMs; ms += stepMs) {
    const text = stepMs >= 60_000 ? `${ms / 60_000} min` : `${ms / 1_000} s`;
    ticks.push(`<text class="small" x="${x(ms).toFixed(1)}" y="${y + 14}" text-anchor="middle">${text}</text>`);
  }
  return ticks.join("\n");
}

function drawLegend({ legend = [] }: Picture, y: number): string {
  let left = LEGEND_LEFT;
  const entries = legend.map(({ tone, text }) => {
    const sample = rectangle(tone, left, y - 9, 10, 10);
    const entry = `${sample}<text class="small" x="${left + 14}" y="${y}">${escaped(text)}</text>`;
    left += 28 + textWidth(text);
    return entry;
  });
  return entries.join("\n");
}
