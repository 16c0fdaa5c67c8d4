/** The checks that a run must pass, by name. */
import type { RunResult } from "./run.ts";

export interface Check {
  readonly name: string;
  /** The problems, one sentence each; empty when the check passes. */
  readonly problems: readonly string[];
}

/** Of a run of a minute; longer and shorter ones in proportion. */
const FAULTS_PER_MINUTE = 100;
const ATOMS_PER_MINUTE = 20_000;
/**
 * Made by the clock that is far ahead, and made by others in sessions that hold such ids: far fewer than there are
 * usually.
 */
const IDS_AHEAD_PER_MINUTE = 200;
const AMONG_IDS_AHEAD_PER_MINUTE = 10;
const MINUTE_MS = 60_000;

export function leastAtoms(durationMs: number): number {
  return Math.floor((ATOMS_PER_MINUTE * durationMs) / MINUTE_MS);
}

/** Codes with which a read or deletion may fail while providers are away: the journal serves neither. */
const AWAY: ReadonlySet<string> = new Set(["unavailable", "timeout"]);
const SAVES: ReadonlySet<string> = new Set(["saveSession", "saveMemoryAtom"]);

interface Wanted {
  readonly durationMs: number;
  /** The time after the last fault in which the stores must become equal; undefined for no bound. */
  readonly withinMs: number | undefined;
}

export function checksOf(result: RunResult, { durationMs, withinMs }: Wanted): Check[] {
  const { history, findings, convergence, stoppedMs, startMs } = result;
  const minutes = durationMs / MINUTE_MS;
  const seconds = (stoppedMs - startMs) / 1_000;
  const { refreshes, deleting, idsAhead } = history;
  // A reader elsewhere may have deleted them.
  const missing = refreshes.missing.filter(({ sessionId, token }) => !deleting.covers(sessionId, token));
  return [
    atLeast("seconds of writing under faults", Math.floor(seconds), Math.floor(durationMs / 1_000)),
    atLeast("faults", result.faults, Math.floor(FAULTS_PER_MINUTE * minutes)),
    atLeast("acknowledged atoms", history.acknowledged.size, leastAtoms(durationMs)),
    atLeast("of them with ids two years ahead", idsAhead.made, Math.floor(IDS_AHEAD_PER_MINUTE * minutes)),
    atLeast("of others in sessions with such ids", idsAhead.met, Math.floor(AMONG_IDS_AHEAD_PER_MINUTE * minutes)),
    { name: "nothing that was acknowledged is lost in any store", problems: findings.lost },
    { name: "nothing is doubled", problems: findings.doubled },
    { name: "nothing is there that nobody attempted", problems: findings.foreign },
    { name: "nothing that was deleted is there", problems: findings.resurrected },
    { name: "all stores hold the same atoms, tombstones and heads", problems: convergence.differences },
    { name: "heads say what their atoms and tombstones say", problems: result.wrongHeads },
    { name: "no hint, and nothing in a journal, is left", problems: convergence.undelivered },
    { name: "stores differ only by what a hint or a journal names", problems: convergence.forgotten },
    ...(withinMs === undefined ? [] : [convergenceCheck(result, withinMs)]),
    { name: "messages come after all that their writer had read and its clock follows", problems: result.disorder },
    { name: "no clock follows the one that is two years ahead", problems: result.idsBeyondClocks },
    {
      name: "a refreshed session has all of its own messages",
      problems:
        missing.length > 0 ? [`${missing.length} messages were missing in ${refreshes.all} refreshed sessions`] : [],
    },
    { name: "no save failed", problems: failuresOf(result, ({ operation }) => SAVES.has(operation)) },
    {
      name: "reads and deletions failed only for want of a provider",
      problems: failuresOf(result, ({ operation, code }) => !SAVES.has(operation) && !AWAY.has(code)),
    },
    { name: "writers ended only when they were killed", problems: result.writerProblems },
  ];
}

/** Whether the run shows what goes wrong when failover is written by hand: without that it would prove nothing. */
export function controlCheck({ findings, convergence }: RunResult): Check {
  const { lost, doubled } = findings;
  const isFailure = lost.length > 0 || doubled.length > 0 || convergence.differences.length > 0;
  return {
    name: "the naive writer loses or doubles atoms, or leaves the stores unequal",
    problems: isFailure ? [] : ["it did nothing of that: the faults are too weak to prove anything"],
  };
}

export function verdictLine(result: RunResult): string {
  const { acknowledged } = result.history;
  const { lost, doubled, foreign, resurrected } = result.findings;
  const counts = Object.entries({ lost, doubled, foreign, resurrected }).map(
    ([name, { length }]) => `${length} ${name}`,
  );
  return [`verdict: ${acknowledged.size} acknowledged`, ...counts, convergenceText(result)].join(", ");
}

function convergenceCheck(result: RunResult, withinMs: number): Check {
  const isInTime = (result.convergence.ms ?? Infinity) <= withinMs;
  const name = `stores are equal within ${withinMs / 1_000} s of the last fault`;
  return { name, problems: isInTime ? [] : [convergenceText(result)] };
}

function convergenceText({ convergence }: RunResult): string {
  return convergence.ms === undefined ? "not converged" : `converged in ${convergence.ms} ms`;
}

function atLeast(name: string, count: number, least: number): Check {
  return { name: `${count} ${name}, and at least ${least}`, problems: count >= least ? [] : [`only ${count}`] };
}

/** By operation and code, but what failed because somebody deletes the session. */
function failuresOf(
  { history }: RunResult,
  isWanted: (failure: { readonly operation: string; readonly code: string }) => boolean,
): string[] {
  const failures = history.failures.filter(
    (failure) =>
      isWanted(failure) && !(failure.code === "not_found" && history.deleting.sessions.has(failure.sessionId)),
  );
  const groups = Map.groupBy(failures, ({ operation, code }) => `${operation}: ${code}`);
  return [...groups].map(([name, [first, ...others]]) => `${1 + others.length} × ${name}: ${first?.message}`);
}
