/** The part of the root README that a run writes. */
import type { Results } from "../comparison/results.ts";

const START = "<!-- benchmarks: written by `pnpm bench --readme` -->";
const END = "<!-- /benchmarks -->";

/** @throws {Error} when the text has no such part. */
export function withResults(text: string, results: Results): string {
  const [before, rest = ""] = text.split(START, 2);
  const [, after] = rest.split(END, 2);
  if (before === undefined || after === undefined) throw new Error(`the text has no part from ${START} to ${END}`);
  return `${before}${START}\n\n${partOf(results)}\n\n${END}${after}`;
}

function partOf(results: Results): string {
  const { takenAt, command, machine, versions, rounds } = results;
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    "![Time to save a turn, in PostgreSQL: each store's median, and the span of its rounds](docs/benchmarks/postgres-save.svg)",
    `Medians of ${rounds} rounds, with the lowest and the highest. Taken ${takenAt.slice(0, 10)} by \`${command}\` on ${machine}, with ${list.join(", ")}.`,
  ].join("\n\n");
}
