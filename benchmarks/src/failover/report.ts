import type { Fault } from "./faults.ts";
import type { Trial } from "./trial.ts";

const COLUMNS = [
  ["fault", -18],
  ["trials", 6],
  ["atoms", 8],
  ["errors", 6],
  ["measured", -13],
  ["p50 ms", 7],
  ["p99 ms", 7],
  ["max ms", 7],
  ["bar ms", 7],
] as const;

/** Medians in ms, and their ratio. */
export interface Cost {
  readonly ours: number;
  readonly reference: number;
  readonly ratio: number;
  readonly problems: readonly string[];
}

export const TABLE_HEAD = `  ${aligned(COLUMNS.map(([title]) => title))}`;

/** Trials over the bar that are shown one by one. */
const SHOWN_TRIALS = 5;

export function keepsBar({ barMs }: Fault, trials: readonly Trial[]): boolean {
  const isFaultless = trials.every(({ errors, problems }) => errors.length + problems.length === 0);
  return isFaultless && percentile(trials, 0.99) <= barMs;
}

/** A row of the table, and below it what is not as it should be. */
export function trialLines(fault: Fault, trials: readonly Trial[]): string[] {
  const { name, barMs, timeReturn } = fault;
  const times = [0.5, 0.99, 1].map((fraction) => percentile(trials, fraction).toFixed(0));
  const atoms = trials.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  const errors = trials.flatMap((trial) => trial.errors);
  const measured = timeReturn === undefined ? "longest gap" : "time to drain";
  const cells = [
    name,
    trials.length,
    atoms,
    errors.length,
    measured,
    ...times,
    barMs === Infinity ? "none" : barMs,
  ].map(String);
  return [
    `${mark(keepsBar(fault, trials))} ${aligned(cells)}`,
    ...slowTrials(fault, trials).map(indented),
    ...new Set(errors.map((error) => indented(`an error reached the caller: ${error}`))),
    ...new Set(trials.flatMap(({ problems }) => problems.map(indented))),
  ];
}

function slowTrials({ barMs, timeReturn }: Fault, trials: readonly Trial[]): string[] {
  return trials
    .map(({ measuredMs, gapPlace }, index) => ({ measuredMs, gapPlace, number: index + 1 }))
    .filter(({ measuredMs }) => measuredMs > barMs)
    .toSorted((left, right) => right.measuredMs - left.measuredMs)
    .slice(0, SHOWN_TRIALS)
    .map(({ measuredMs, gapPlace, number }) => {
      const place = timeReturn === undefined ? ` ${gapPlace}` : "";
      return `trial ${number}: ${measuredMs.toFixed(0)} ms${place}`;
    });
}

/** Of what the trials measured; NaN, which keeps no bar, when there are none. */
function percentile(trials: readonly Trial[], fraction: number): number {
  const sorted = trials.map(({ measuredMs }) => measuredMs).toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? Number.NaN;
}

export function keepsRatio({ ratio, problems }: Cost, bar: number): boolean {
  return ratio <= bar && problems.length === 0;
}

export function costLines(name: string, cost: Cost, bar: number): string[] {
  const { ours, reference, ratio, problems } = cost;
  return [
    `${mark(keepsRatio(cost, bar))} ${name}`,
    indented(
      `${ours.toFixed(4)} ms against ${reference.toFixed(4)} ms; ratio ${ratio.toFixed(3)}; ${bar === Infinity ? "no bar" : `the bar is ${bar}`}`,
    ),
    ...problems.map(indented),
  ];
}

function aligned(cells: readonly string[]): string {
  return COLUMNS.map(([, width], index) => {
    const cell = cells[index] ?? "";
    return width < 0 ? cell.padEnd(-width) : cell.padStart(width);
  }).join("  ");
}

function mark(isKept: boolean): string {
  return isKept ? "✓" : "✗";
}

function indented(text: string): string {
  return `    ${text}`;
}
