/** Results as Markdown. */
import { keepsBar } from "../measure.ts";
import { barLines } from "../comparison/bars.ts";
import { CONTENDERS, type Contender } from "../comparison/contenders.ts";
import { FOOTPRINTS } from "../comparison/footprint.ts";
import type { FamilyName } from "../comparison/family-name.ts";
import type { Entry, Results } from "../comparison/results.ts";
import { WORKS } from "../comparison/works.ts";

export const FAMILY_TITLES: Readonly<Record<FamilyName, string>> = {
  postgres: "PostgreSQL",
  sqlite: "SQLite",
  supabase: "Supabase, on the same machine",
  "supabase-far": "Supabase, 2 ms there and back",
  memory: "In memory",
};

const WORK_TITLES: readonly { readonly name: string; readonly title: string; readonly unit: string }[] = [
  ...WORKS,
  ...Object.entries(FOOTPRINTS).map(([name, { title, unit }]) => ({ name, title, unit })),
];

/** All of a run: where it ran, a table a family, the bars, and what was not measured. */
export function report(results: Results): string {
  const families = Object.keys(FAMILY_TITLES) as FamilyName[];
  return [
    heading(results),
    ...families.flatMap((family) => familyTable(results, family)),
    ...installTable(results),
    barTable(results),
    NOT_MEASURED,
  ].join("\n\n");
}

function heading({ takenAt, command, machine, rounds, isQuick, versions }: Results): string {
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${takenAt.slice(0, 10)}, by \`${command}\`, on ${machine}. Each figure is the median of ${rounds} rounds${
    isQuick ? " (quick: for a first look)" : ""
  }, lowest and highest in parentheses; in each round all take their turn, each in its own process, after a \`sync\` and 0.2 s of the same work. A turn is two messages of 290
characters. ${list.join(", ")}.`;
}

function familyTable({ entries }: Results, family: FamilyName): string[] {
  const own = entries.filter((entry) => entry.family === family);
  const rows = WORK_TITLES.filter(({ name }) => own.some(({ work }) => work === name));
  if (rows.length === 0) return [];
  const contenders = CONTENDERS[family].filter(({ name }) => own.some(({ contender }) => contender === name));
  const notes = contenders.flatMap(({ label, note }) => (note === undefined ? [] : [`${label} ${note}.`]));
  const failures = own.filter(({ reason, work }) => reason !== undefined && rows.some(({ name }) => name === work));
  return [
    `**${FAMILY_TITLES[family]}**`,
    [
      `| | ${contenders.map(({ label }) => label).join(" | ")} |`,
      `| --- |${" --- |".repeat(contenders.length)}`,
      ...rows.map(({ name, title, unit }) => {
        const cells = contenders.map((contender) => cell(own, name, contender));
        return `| ${title}, ${unit} | ${cells.join(" | ")} |`;
      }),
    ].join("\n"),
    ...[[...notes, ...failures.map((entry) => explain(entry, contenders))].join(" ")].filter((text) => text !== ""),
  ];
}

function cell(entries: readonly Entry[], work: string, { name }: Contender): string {
  const entry = entries.find((candidate) => candidate.work === work && candidate.contender === name);
  if (entry === undefined) return "";
  const { median, lowest, highest } = entry;
  if (median === undefined || lowest === undefined || highest === undefined) return "—";
  if (lowest === highest) return rounded(median);
  return `${rounded(median)} (${rounded(lowest)}–${rounded(highest)})`;
}

function explain({ work, contender, reason }: Entry, contenders: readonly Contender[]): string {
  const label = contenders.find(({ name }) => name === contender)?.label ?? contender;
  const title = WORK_TITLES.find(({ name }) => name === work)?.title ?? work;
  return `${label}, ${title}: ${reason}.`;
}

function installTable({ installs }: Results): string[] {
  if (installs.length === 0) return [];
  const rows = installs.map(
    ({ label, names, packages, bytes }) =>
      `| ${label} | ${names.map((name) => `\`${name}\``).join(" ")} | ${packages} | ${rounded(bytes / 1_000_000)} |`,
  );
  return [
    "**Installed**",
    ["| | what one asks for | packages | MB |", "| --- | --- | --- | --- |", ...rows].join("\n"),
  ];
}

function barTable({ entries, measures }: Results): string {
  const lines = [
    ...barLines(entries),
    ...measures.map(({ name, against, ratio, bar }) => ({ title: name, against, ratio, bar })),
  ];
  return [
    "**Bars**",
    [
      "| | against | ratio | bar | |",
      "| --- | --- | --- | --- | --- |",
      ...lines.map(({ title, against, ratio = Number.NaN, bar }) => {
        const sign = bar.kind === "at most" ? "≤" : "≥";
        return `| ${title} | ${against} | ${rounded(ratio)} | ${sign} ${bar.value} | ${keepsBar({ ratio, bar }) ? "✓" : "✗"} |`;
      }),
    ].join("\n"),
  ].join("\n\n");
}

const NOT_MEASURED = `**Not measured**: a network between client and server but for the delay of Supabase's second table; servers under the
load of others; hosted projects; disks whose fsync takes milliseconds, where all durable stores are nearer to one another; more than
one process a store; messages with images or tool calls; what a peer does beside keeping messages (LangGraph's checkpoints can be
resumed and forked, ADK keeps state); reads through an agent framework instead of its storage.`;

export function rounded(value: number): string {
  if (!Number.isFinite(value)) return "—";
  if (value >= 1_000) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}
