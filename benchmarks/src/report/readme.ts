/** The part of the root README that a run writes. */
import type { Results } from "../comparison/results.ts";
import { familyTable } from "./tables.ts";

const START = "<!-- benchmarks: written by `pnpm bench --readme` -->";
const END = "<!-- /benchmarks -->";

/** The figures for the README; `docs/benchmarks` has all of them. */
const WORKS = ["save-first", "save-10000", "load-last", "load-1000", "at-once-64", "bytes", "round-trips"];

/** @throws {Error} when the text has no such part. */
export function withResults(text: string, results: Results): string {
  const [before, rest = ""] = text.split(START, 2);
  const [, after] = rest.split(END, 2);
  if (before === undefined || after === undefined) throw new Error(`the text has no part from ${START} to ${END}`);
  return `${before}${START}\n\n${partOf(results)}\n\n${END}${after}`;
}

function partOf(results: Results): string {
  const { takenAt, command, machine, versions, rounds } = results;
  const families = (["postgres", "sqlite", "supabase"] as const).flatMap((family) =>
    familyTable(results, family, WORKS),
  );
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    "![Time to save a turn, in PostgreSQL: each store's median, and the span of its rounds](docs/benchmarks/postgres-save.svg)",
    ...families,
    `Medians of ${rounds} rounds, lowest and highest in parentheses; taken ${takenAt.slice(0, 10)} by \`${command}\` on ${machine}, with ${list.join(", ")}.`,
  ].join("\n\n");
}
