import { mkdirSync } from "node:fs";
import { cp, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { wholeNumber } from "../options.ts";
import { inTemporaryFolder } from "../workload.ts";
import { checkLines } from "./report.ts";
import { runChaos } from "./run.ts";
import { timelineOf } from "./timeline.ts";
import { timelineSVG } from "./timeline-svg.ts";
import { timelineText } from "./timeline-text.ts";
import { checksOf, controlCheck, leastAtoms, verdictLine } from "./verdict.ts";

interface Options {
  readonly seconds: number;
  readonly minutes?: number;
  readonly seed: number;
  readonly writers: number;
  readonly within?: number;
  readonly control: boolean;
  readonly output?: string;
}

const { seconds, minutes, seed, writers, within, control, output } = new Command("pnpm chaos")
  .description(
    "Shows that nothing acknowledged is lost and nothing is doubled: writers in processes of their own save to three PostgreSQL servers while these are killed, stopped and cut off, and the writers killed. Afterwards SQL looks for each atom in each store.",
  )
  .option("--seconds <count>", "of faults; longer where a slow machine has not enough atoms by then", wholeNumber, 60)
  .option("--minutes <count>", "of faults, instead of seconds", wholeNumber)
  .option("--seed <number>", "of every random choice", wholeNumber, Date.now() % 1_000_000)
  .option("--writers <count>", "processes, each with several sessions at once", wholeNumber, 4)
  .option("--within <seconds>", "fail when stores are equal later than so long after the last fault", wholeNumber)
  .option("--control", "the same with a writer as it is written by hand, which has to fail", false)
  .option("--output <folder>", "for the timeline; default: one in the system's temporary folder")
  .parse()
  .opts<Options>();

const withinMs = within === undefined ? undefined : within * 1_000;
const durationMs = (minutes === undefined ? seconds : minutes * 60) * 1_000;
// pnpm runs scripts in their package's folder, and people name folders from where they are.
const outputFolder =
  output === undefined
    ? await mkdtemp(join(tmpdir(), "rivet-chaos-"))
    : resolve(process.env["INIT_CWD"] ?? process.cwd(), output);
mkdirSync(outputFolder, { recursive: true });
console.log(`seed ${seed}`);

await inTemporaryFolder(async (folder) => {
  const kind = control ? "naive" : "rivet";
  const result = await runChaos({
    kind,
    durationMs,
    leastAtoms: control ? 0 : leastAtoms(durationMs),
    seed,
    writers,
    folder,
  });
  const timeline = timelineOf(result);
  const text = timelineText(timeline);
  const file = (name: string): string => join(outputFolder, name);
  await writeFile(file("timeline.svg"), timelineSVG(timeline));
  await writeFile(file("timeline.txt"), text);
  const checks = control ? [controlCheck(result)] : checksOf(result, { durationMs, withinMs });
  const failed = checks.filter(({ problems }) => problems.length > 0);
  // What the writers attempted and were told, and the journals: to find out why.
  if (failed.length > 0) await cp(folder, outputFolder, { recursive: true });
  console.log(text);
  for (const line of checkLines(result, checks)) console.log(line);
  console.log(`timeline: ${file("timeline.svg")}`);
  console.log(verdictLine(result));
  console.log(`${checks.length - failed.length} passed, ${failed.length} failed`);
  process.exitCode = failed.length > 0 ? 1 : 0;
});
