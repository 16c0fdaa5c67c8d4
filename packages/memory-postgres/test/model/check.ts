import fc from "fast-check";
import { Cluster } from "./cluster.ts";
import { COMMANDS } from "./commands.ts";
import { assertConverged } from "./invariants.ts";
import type { Machinery } from "./machinery.ts";

const MAX_COMMANDS = 50;

export interface CheckOptions {
  readonly runs: number;
  /** Default: a random one, which is printed on failure. */
  readonly seed?: number | undefined;
}

/**
 * Runs commands at random against three stores, with the invariants after each, and all equal at the end.
 *
 * @returns what was found, with the seed and the shortest run that shows it; undefined when nothing was.
 */
export async function check(machinery: Machinery, { runs, seed }: CheckOptions): Promise<string | undefined> {
  const commands = fc.commands(COMMANDS, { maxCommands: MAX_COMMANDS, size: "max" });
  const property = fc.asyncProperty(commands, async (steps) => {
    const cluster = new Cluster(machinery);
    await fc.asyncModelRun(() => ({ model: {}, real: cluster }), steps);
    await cluster.settleDown();
    await assertConverged(cluster);
  });
  const details = await fc.check(property, { numRuns: runs, ...(seed === undefined ? {} : { seed }) });
  const message = fc.defaultReportMessage(details);
  return message && `${message}\n${String(details.errorInstance)}`;
}
