import { Command, InvalidArgumentError } from "commander";
import { inTemporaryFolder } from "../workload.ts";
import { Cluster } from "./cluster.ts";
import { FAULTS, type Fault } from "./faults.ts";
import { journalCost, overhead } from "./costs.ts";
import { seededRandom } from "./random.ts";
import { runTrial, type Trial } from "./trial.ts";

const names = [...FAULTS.map(({ name }) => name), "journal-cost", "overhead"];
const { trials, only, seed } = new Command("pnpm failover")
  .description(
    "Measures what a user feels when a provider dies: a writer saves in a loop, faults strike it, and each acknowledged atom is looked for.",
  )
  .option("--trials <count>", "of each fault", wholeNumber, 50)
  .option("--seed <number>", "of the moments at which faults strike", wholeNumber, Date.now() % 1_000_000)
  .option("--only <names...>", `which of: ${names.join(", ")}`)
  .parse()
  .opts<{ trials: number; seed: number; only?: string[] }>();

const unknown = only?.find((name) => !names.includes(name));
if (unknown !== undefined) {
  console.error(`There is no ${JSON.stringify(unknown)}; choose of: ${names.join(", ")}`);
  process.exit(1);
}
console.log(`seed ${seed}`);
const random = seededRandom(seed);
let [passed, failed] = [0, 0];

await inTemporaryFolder(async (folder) => {
  await using cluster = await Cluster.start(folder);
  for (const fault of FAULTS) {
    if (only !== undefined && !only.includes(fault.name)) continue;
    const results: Trial[] = [];
    for (let count = 0; count < trials; count += 1) results.push(await runTrial(cluster, fault, random));
    report(fault, results);
  }
  if (isWanted("journal-cost"))
    reportRatio("a save while all providers are down, against a bare SQLite write", await journalCost(folder), 1.5);
  if (isWanted("overhead"))
    reportRatio("a two-row INSERT when nothing is wrong, against pg alone", await overhead(), 1.05);
});
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

function isWanted(name: string): boolean {
  return only === undefined || only.includes(name);
}

function report({ name, longestGapMs: bar }: Fault, results: readonly Trial[]): void {
  const gaps = results.map(({ longestGapMs }) => longestGapMs).toSorted((left, right) => left - right);
  const at = (fraction: number): number => gaps[Math.max(0, Math.ceil(gaps.length * fraction) - 1)] ?? Number.NaN;
  const problems = results.flatMap((trial) => trial.problems);
  const isKept = problems.length === 0 && (bar === undefined || at(0.99) <= bar);
  const atoms = results.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  const gap = `longest gap p50 ${at(0.5).toFixed(0)} ms, p99 ${at(0.99).toFixed(0)} ms`;
  count(isKept);
  console.log(
    `${isKept ? "✓" : "✗"} ${name}: ${results.length} trials, ${atoms} atoms acknowledged, ${problems.length} problems`,
  );
  console.log(`    ${gap}${bar === undefined ? "" : `; the bar is ${bar} ms`}`);
  for (const problem of new Set(problems)) console.log(`    ${problem}`);
}

function reportRatio(
  name: string,
  { ours, reference, ratio, problems }: Awaited<ReturnType<typeof overhead>>,
  bar: number,
): void {
  const isKept = ratio <= bar && problems.length === 0;
  count(isKept);
  console.log(`${isKept ? "✓" : "✗"} ${name}`);
  console.log(
    `    ${ours.toFixed(4)} ms against ${reference.toFixed(4)} ms; ratio ${ratio.toFixed(3)}; the bar is ${bar}`,
  );
  for (const problem of problems) console.log(`    ${problem}`);
}

function count(isKept: boolean): void {
  if (isKept) passed += 1;
  else failed += 1;
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("expected a whole number");
  return Number(text);
}
