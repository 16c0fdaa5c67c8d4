/** Results as SVG, on a ground of their own, so that light and dark pages show them alike. */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { CONTENDERS } from "../comparison/contenders.ts";
import type { FamilyName } from "../comparison/family-name.ts";
import type { Entry, Results } from "../comparison/results.ts";
import { FAMILY_TITLES, rounded } from "./tables.ts";

const OURS = "#c2410c";
const FLOOR = "#6b7280";
const PEER = "#475569";
const INK = "#1f2937";
const STYLE = { fontFamily: "system-ui, sans-serif", fontSize: "13px", color: INK, background: "white" };

interface Figure {
  readonly label: string;
  readonly contender: string;
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

/** The charts of a run by the name of their file; those without figures are left out. */
export function charts(results: Results): Readonly<Record<string, string>> {
  const all: Record<string, string | undefined> = {};
  for (const family of ["postgres", "sqlite", "supabase"] as const) {
    const title = FAMILY_TITLES[family].replace(/,.*/, "");
    all[`${family}-save.svg`] = bars(results, family, "save-1000", `${title}: save a turn, ms`);
    all[`${family}-length.svg`] = lines(results, family, {
      title: `${title}: cost of a save over the length of the session`,
      works: { "save-first": 50, "save-1000": 1_000, "save-10000": 10_000 },
      x: "messages in the session",
      y: "ms a turn",
    });
    all[`${family}-at-once.svg`] = lines(results, family, {
      title: `${title}: turns per second, by sessions that save at once`,
      works: { "at-once-1": 1, "at-once-16": 16, "at-once-64": 64, "at-once-256": 256 },
      x: "sessions",
      y: "turns/s",
    });
  }
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** A bar each from zero, with the span of the rounds. */
function bars({ entries }: Results, family: FamilyName, work: string, title: string): string | undefined {
  const figures = figuresOf(entries, family, work);
  if (figures.length < 2) return undefined;
  return draw({
    title,
    height: 50 + 34 * figures.length,
    marginLeft: 150,
    marginRight: 60,
    x: {
      type: "log",
      axis: null,
      domain: [
        Math.min(...figures.map(({ lowest }) => lowest)) / 3,
        Math.max(...figures.map(({ highest }) => highest)) * 1.3,
      ],
    },
    y: { label: null, domain: figures.map(({ label }) => label), tickSize: 0 },
    marks: [
      Plot.ruleY(figures, {
        y: "label",
        x1: Math.min(...figures.map(({ lowest }) => lowest)) / 3,
        x2: "median",
        stroke: colourOf,
        strokeWidth: 2,
      }),
      Plot.ruleY(figures, {
        y: "label",
        x1: "lowest",
        x2: "highest",
        stroke: colourOf,
        strokeWidth: 7,
        strokeOpacity: 0.25,
        strokeLinecap: "round",
      }),
      Plot.dot(figures, { y: "label", x: "median", fill: colourOf, r: 5.5 }),
      Plot.text(figures, {
        y: "label",
        x: "highest",
        text: ({ median }: Figure) => rounded(median),
        dx: 12,
        textAnchor: "start",
        fill: INK,
        fontWeight: 600,
      }),
    ],
  });
}

interface LineOptions {
  readonly title: string;
  readonly works: Readonly<Record<string, number>>;
  readonly x: string;
  readonly y: string;
}

function lines({ entries }: Results, family: FamilyName, { title, works, x, y }: LineOptions): string | undefined {
  const points = Object.entries(works).flatMap(([work, at]) =>
    figuresOf(entries, family, work).map((figure) => ({ ...figure, at })),
  );
  const last = points.filter((point) => !points.some(({ label, at }) => label === point.label && at > point.at));
  if (points.length < 4) return undefined;
  return draw({
    title,
    height: 320,
    marginLeft: 60,
    marginRight: 170,
    x: {
      type: "log",
      label: x,
      ticks: Object.values(works),
      tickFormat: (value: number) => value.toLocaleString("en"),
    },
    y: { type: "log", label: y, grid: true, ticks: 5, tickFormat: (value: number) => rounded(value) },
    marks: [
      Plot.line(points, { x: "at", y: "median", z: "label", stroke: colourOf, strokeWidth: widthOf }),
      Plot.dot(points, { x: "at", y: "median", fill: colourOf, r: 3.5 }),
      Plot.text(apart(last), {
        x: "at",
        y: "shown",
        text: "label",
        dx: 10,
        textAnchor: "start",
        fill: colourOf,
        fontWeight: 600,
      }),
    ],
  });
}

/** Names beside the ends of lines, none over another: on a logarithmic axis, a sixteenth of a decade apart. */
function apart<Point extends Figure>(points: readonly Point[]): (Point & { shown: number })[] {
  const shown: (Point & { shown: number })[] = [];
  for (const point of points.toSorted((left, right) => left.median - right.median)) {
    const below = shown.at(-1);
    shown.push({ ...point, shown: Math.max(point.median, below === undefined ? 0 : below.shown * 1.28) });
  }
  return shown;
}

function figuresOf(entries: readonly Entry[], family: FamilyName, work: string): Figure[] {
  return CONTENDERS[family].flatMap(({ name, label }) => {
    const entry = entries.find((one) => one.family === family && one.work === work && one.contender === name);
    const { median, lowest, highest } = entry ?? {};
    if (median === undefined || lowest === undefined || highest === undefined) return [];
    return [{ label, contender: name, median, lowest, highest }];
  });
}

function colourOf({ contender }: Figure): string {
  if (contender.startsWith("rivet")) return OURS;
  return contender === "bare" ? FLOOR : PEER;
}

function widthOf({ contender }: Figure): number {
  return contender === "rivet" ? 3 : 1.5;
}

function draw({ title, ...options }: Plot.PlotOptions & { readonly title: string }): string {
  const { document } = parseHTML("<html><body></body></html>");
  const plot = Plot.plot({ ...options, width: 760, marginTop: 44, style: STYLE, document });
  plot.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", title);
  const heading = `<rect width="100%" height="100%" fill="white"/><text x="12" y="24" font-size="15" font-weight="700" fill="${INK}">${title}</text>`;
  return plot.outerHTML.replace(/(<svg[^>]*>)/, `$1${heading}`);
}
