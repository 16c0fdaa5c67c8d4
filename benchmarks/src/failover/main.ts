import { Command } from "commander";
import { Cluster } from "../cluster.ts";
import { wholeNumber } from "../options.ts";
import { seededRandom } from "@rivet/local-servers/seeded-random";
import { inTemporaryFolder } from "../workload.ts";
import { FAULTS } from "./faults.ts";
import { journalCost } from "./journal-cost.ts";
import { LOADS, overhead } from "./overhead.ts";
import { costLines, keepsBar, keepsRatio, TABLE_HEAD, trialLines, type Cost } from "./report.ts";
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
let [passed, failed] = [0, 0];

await inTemporaryFolder(async (folder) => {
  await measureFaults(folder);
  if (isWanted("journal-cost")) {
    reportCost("a save while all providers are down, against a bare SQLite write", await journalCost(folder), 1.5);
  }
  if (!isWanted("overhead")) return;
  for (const load of LOADS)
    reportCost(`${load.name}, when nothing is wrong, against pg alone`, await overhead(load), load.bar);
});
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

async function measureFaults(folder: string): Promise<void> {
  const wanted = FAULTS.filter(({ name }) => isWanted(name));
  if (wanted.length === 0) return;
  await using cluster = await Cluster.start();
  console.log(TABLE_HEAD);
  for (const fault of wanted) {
    // The moments are the same whichever other faults are wanted.
    const random = seededRandom(seed);
    const results: Trial[] = [];
    while (results.length < trials) results.push(await runTrial({ cluster, folder, fault, random }));
    count(keepsBar(fault, results));
    for (const line of trialLines(fault, results)) console.log(line);
  }
}

function isWanted(name: string): boolean {
  return only === undefined || only.includes(name);
}

function reportCost(name: string, cost: Cost, bar: number): void {
  count(keepsRatio(cost, bar));
  for (const line of costLines(name, cost, bar)) console.log(line);
}

function count(isKept: boolean): void {
  if (isKept) passed += 1;
  else failed += 1;
}
