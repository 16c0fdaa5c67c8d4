import type { RunResult } from "./run.ts";
import type { Check } from "./verdict.ts";

/** Problems of a check that are shown one by one. */
const SHOWN_PROBLEMS = 10;

export function checkLines(result: RunResult, checks: readonly Check[]): string[] {
  return [...statisticsLines(result), ...checks.flatMap(linesOf)];
}

function linesOf({ name, problems }: Check): string[] {
  const hidden = problems.length - SHOWN_PROBLEMS;
  return [
    `${problems.length === 0 ? "✓" : "✗"} ${name}`,
    ...problems.slice(0, SHOWN_PROBLEMS).map((problem) => `    ${problem}`),
    ...(hidden > 0 ? [`    and ${hidden} more`] : []),
  ];
}

/** Observations that are neither right nor wrong. */
function statisticsLines({ history, strikes, convergence }: RunResult): string[] {
  const { reads, deleted, deleting, failures } = history;
  const byKind = Map.groupBy(strikes, ({ kind }) => kind);
  const byOperation = Map.groupBy(failures, ({ operation, code }) => `${operation} ${code}`);
  const countsOf = (groups: ReadonlyMap<string, readonly unknown[]>): string =>
    [...groups].map(([name, { length }]) => `${name} ${length}`).join(", ") || "none";
  return [
    `strikes: ${countsOf(byKind)}`,
    `errors that reached a writer: ${countsOf(byOperation)}`,
    `sessions handed over: read ${reads.all} times, ${reads.incomplete} times before what was acknowledged had arrived`,
    `on their way after the last fault: hints for ${convergence.hintsMs} ms, journals for ${convergence.journalsMs} ms`,
    `deletions: ${deleted.tokens.size} of ${deleting.tokens.size} atoms and ${deleted.sessions.size} of ${deleting.sessions.size} sessions acknowledged`,
  ];
}
