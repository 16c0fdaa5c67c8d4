import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { barLines } from "./comparison/bars.ts";
import { CONTENDERS, versionOf } from "./comparison/contenders.ts";
import { hold } from "./comparison/contest.ts";
import { FOOTPRINTS, measureFootprints } from "./comparison/footprint.ts";
import { GROUNDS } from "./comparison/grounds.ts";
import type { FamilyName } from "./comparison/family-name.ts";
import type { Entry, Results } from "./comparison/results.ts";
import { WORKS } from "./comparison/works.ts";
import { installMeasures, measureInstalls, type Install } from "./install/installs.ts";
import { keepsBar, type Measure } from "./measure.ts";
import { measureApart } from "./measures/apart.ts";
import { MEASURES } from "./measures/list.ts";
import { installPeers } from "./peers.ts";
import { charts } from "./report/charts.ts";
import { machineText } from "./report/machine.ts";
import { withResults } from "./report/readme.ts";
import { FAMILY_TITLES, report } from "./report/tables.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const README = join(ROOT, "README.md");
const DOCS = join(ROOT, "docs", "benchmarks");

const FAMILIES = Object.keys(FAMILY_TITLES) as FamilyName[];
const WORK_NAMES = [...WORKS.map(({ name }) => name), ...Object.keys(FOOTPRINTS)];
const INSTALL = "install";
const NAMES = [...FAMILIES, INSTALL, ...Object.keys(MEASURES)];

const options = new Command("pnpm bench")
  .description("Measures every backend beside its neighbours and beside hand-written code, in one run.")
  .option("--only <names...>", `which of: ${NAMES.join(", ")}`)
  .option("--works <names...>", `of the comparison with neighbours only: ${WORK_NAMES.join(", ")}`)
  .option("--quick", "two rounds, for a first look")
  .option("--json <file>", "write the results there, too")
  .option("--charts <folder>", "draw charts there")
  .option("--readme", "write results, report and charts into docs/benchmarks, and the table of the README")
  .parse()
  .opts<{ only?: string[]; works?: string[]; quick?: true; json?: string; charts?: string; readme?: true }>();

refuseUnknown(options.only ?? [], NAMES);
refuseUnknown(options.works ?? [], WORK_NAMES);

const isWanted = (name: string): boolean => options.only?.includes(name) ?? true;
const isQuick = options.quick === true;
const families = FAMILIES.filter(isWanted);
const isInstallWanted = isWanted(INSTALL) && options.works === undefined;
if (families.length > 0 || isInstallWanted) await installPeers(tell);

const entries: Entry[] = [];
for (const family of families) entries.push(...(await compare(family)));
const installs = isInstallWanted ? await compareInstalls() : [];
const measures: Measure[] = installMeasures(installs);
for (const name of Object.keys(MEASURES)) {
  if (!isWanted(name) || (isQuick && options.only === undefined) || options.works !== undefined) continue;
  tell(name);
  measures.push(...(await measureApart(name)));
}

const results: Results = {
  takenAt: new Date().toISOString(),
  command: commandText(),
  isQuick,
  rounds: roundsOf(),
  machine: machineText(),
  versions: versions(),
  entries,
  installs,
  measures,
};
console.log(`\n${report(results)}\n`);
if (options.json !== undefined) await writeJson(options.json);
if (options.charts !== undefined) await drawCharts(options.charts);
if (options.readme) {
  await drawCharts(DOCS);
  await writeJson(join(DOCS, "results.json"));
  await writeFile(join(DOCS, "README.md"), `# Benchmarks\n\n${report(results)}\n`);
  await writeFile(README, withResults(await readFile(README, "utf8"), results));
}
const kept = [...barLines(entries), ...measures].map(({ ratio = Number.NaN, bar }) => keepsBar({ ratio, bar }));
console.log(`${kept.filter(Boolean).length} of ${kept.length} bars kept`);
process.exitCode = kept.every(Boolean) ? 0 : 1;

async function compare(family: FamilyName): Promise<Entry[]> {
  tell(`${family}: starting`);
  await using ground = await GROUNDS[family]();
  const contest = {
    family,
    ground,
    contenders: CONTENDERS[family],
    rounds: roundsOf(),
    limitMs: isQuick ? 10_000 : 20_000,
    warmUpMs: isQuick ? 1_000 : 4_000,
    works: options.works ?? (family === "supabase-far" ? ["save-first"] : WORK_NAMES),
    onProgress: tell,
  };
  return [...(await hold(contest)), ...(await measureFootprints(contest))];
}

async function compareInstalls(): Promise<Install[]> {
  tell(INSTALL);
  return measureInstalls();
}

async function writeJson(file: string): Promise<void> {
  await writeFile(file, `${JSON.stringify(results, undefined, 2)}\n`);
}

async function drawCharts(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, svg] of Object.entries(charts(results))) await writeFile(join(folder, name), svg);
}

/** The command that repeats the measurement, without options that only change the output. */
function commandText(): string {
  const { only, works, readme } = options;
  const lists = Object.entries({ only, works }).flatMap(([name, names]) => (names ? [`--${name}`, ...names] : []));
  return ["pnpm bench", ...lists, ...(isQuick ? ["--quick"] : []), ...(readme ? ["--readme"] : [])].join(" ");
}

/** Twelve: after six, and again, each of six stores has come after each other equally often. */
function roundsOf(): number {
  return isQuick ? 2 : 12;
}

function versions(): Record<string, string> {
  const packages = new Set(
    families.flatMap((family) => CONTENDERS[family].flatMap(({ packageName }) => packageName ?? [])),
  );
  return {
    "Node.js": process.versions.node,
    ...Object.fromEntries([...packages].map((name) => [name, versionOf(name)])),
  };
}

/** Progress is no result: it goes where it does not get into a file of them. */
function tell(text: string): void {
  console.error(`${new Date().toISOString().slice(11, 19)} ${text}`);
}

function refuseUnknown(given: readonly string[], known: readonly string[]): void {
  const unknown = given.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  console.error(`There is no ${JSON.stringify(unknown)}; choose of: ${known.join(", ")}`);
  process.exit(2);
}
