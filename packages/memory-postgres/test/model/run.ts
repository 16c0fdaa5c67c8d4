/**
 * Runs the model for longer than the tests do.
 *
 * @example
 * node --conditions=@rivet/source test/model/run.ts --runs 200000 --seed 1
 */
import { parseArgs } from "node:util";
import { check } from "./check.ts";
import { SOUND } from "./machinery.ts";

const { values } = parseArgs({ options: { runs: { type: "string", default: "200000" }, seed: { type: "string" } } });
const { runs, seed } = values;
const found = await check(SOUND, { runs: Number(runs), seed: seed === undefined ? undefined : Number(seed) });
console.log(found ?? `${runs} runs: every invariant held`);
process.exitCode = found === undefined ? 0 : 1;
