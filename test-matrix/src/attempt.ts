import type { Cell } from "./cell.ts";
import type { Ended } from "./command.ts";
import { REMEMBERED } from "./programs.ts";

/** One way to run a program. */
export interface Attempt {
  /** The line that a user has to write for it, in Markdown; undefined where it works by itself. */
  readonly line?: string;
  readonly run: () => Promise<Ended>;
}

/**
 * Tries the ways in their order until one works: it prints what was remembered, and ends by itself, with exit code 0.
 */
export async function cellOf(attempts: readonly Attempt[]): Promise<Cell> {
  let problem = "nothing was tried";
  for (const { line, run } of attempts) {
    const ended = await run();
    const isEndedWell = ended.exitCode === 0 && ended.signal === null;
    if (isEndedWell && ended.output.includes(REMEMBERED))
      return line === undefined ? { kind: "works" } : { kind: "line", line };
    problem = problemOf(ended);
  }
  return { kind: "fails", problem };
}

/** A runtime that is too old has to be refused in a sentence, by a program that fails and is ended by no signal. */
export async function refusalOf(run: () => Promise<Ended>): Promise<Cell> {
  const ended = await run();
  const sentence = /\b(?:Rivet Memory|SQLite) needs Node\.js.*/.exec(ended.output + ended.errors)?.[0];
  // A shell reports 128 and more for a program that a signal ended.
  const isRefusal = ended.exitCode !== null && ended.exitCode > 0 && ended.exitCode < 128;
  if (sentence === undefined || !isRefusal) return { kind: "fails", problem: problemOf(ended) };
  return { kind: "refused", sentence: sentence.trim() };
}

/** The line that says most about how it ended. */
function problemOf({ exitCode, signal, output, errors }: Ended): string {
  const lines = `${errors}\n${output}`.split("\n").map((line) => line.trim());
  const telling = lines.find((line) => /error|cannot|not |unexpected/i.test(line)) ?? lines.find((line) => line !== "");
  return `${signal ?? `exit code ${exitCode}`}: ${telling?.slice(0, 200) ?? "nothing was printed"}`;
}

/** Cells by column, made one after the other. */
export async function rowOf(
  title: string,
  columns: readonly string[],
  cell: (column: string) => Promise<Cell>,
): Promise<{ title: string; cells: Map<string, Cell> }> {
  const cells = new Map<string, Cell>();
  for (const column of columns) cells.set(column, await cell(column));
  return { title, cells };
}
