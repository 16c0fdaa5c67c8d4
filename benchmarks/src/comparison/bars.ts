/** The bars, as ratios within one run. */
import type { Bar } from "../measure.ts";
import type { FamilyName } from "./family-name.ts";
import { figureOf, type Entry } from "./results.ts";

export interface BarLine {
  readonly title: string;
  readonly against: string;
  /** Undefined when a figure is missing. */
  readonly ratio: number | undefined;
  readonly bar: Bar;
}

/** The bytes of the text of 200 turns of two messages of 290 characters. */
const PAYLOAD_BYTES = 200 * 2 * 290;

const atMost = (value: number): Bar => ({ kind: "at most", value });
const atLeast = (value: number): Bar => ({ kind: "at least", value });

/** The bars whose figures a run has. */
export function barLines(entries: readonly Entry[]): BarLine[] {
  const figure = (family: FamilyName, work: string, contender = "rivet"): number | undefined =>
    figureOf(entries, family, work, contender);
  /** Our time, divided by that of another. */
  const beside = (family: FamilyName, work: string, other: string): number | undefined =>
    quotient(figure(family, work), figure(family, work, other));
  /** The time of the fastest neighbour, divided by ours. */
  const besideBest = (family: FamilyName, work: string, not: readonly string[] = []): number | undefined => {
    const others = peerFigures(entries, family, work, not);
    return others.length === 0 ? undefined : quotient(Math.min(...others), figure(family, work));
  };
  const turnsBesideBest = (family: FamilyName, work: string): number | undefined => {
    const others = peerFigures(entries, family, work, ["rivet-normal"]);
    return others.length === 0 ? undefined : quotient(figure(family, work), Math.max(...others));
  };
  const stored = (family: FamilyName): number | undefined => quotient(figure(family, "bytes"), PAYLOAD_BYTES);
  const notDurable = ["rivet-normal", "mastra"];
  return [
    line("PostgreSQL, save a turn", "bare INSERT", beside("postgres", "save-1000", "bare"), atMost(1.3)),
    line("PostgreSQL, save a turn: how much faster", "best peer", besideBest("postgres", "save-1000"), atLeast(2.3)),
    line(
      "PostgreSQL, 64 sessions: turns/s",
      "bare INSERTs, pool of 10",
      beside("postgres", "at-once-64", "bare"),
      atLeast(2.2),
    ),
    line("PostgreSQL, 64 sessions: turns/s", "best peer", turnsBesideBest("postgres", "at-once-64"), atLeast(10)),
    line("PostgreSQL, load 1,000 messages", "bare SELECT", beside("postgres", "load-1000", "bare"), atMost(1.15)),
    line(
      "PostgreSQL, load 1,000 messages: how much faster",
      "best peer",
      besideBest("postgres", "load-1000"),
      atLeast(1),
    ),
    line(
      "PostgreSQL, save after 10,000 messages",
      "first 100",
      quotient(figure("postgres", "save-10000"), figure("postgres", "save-first")),
      atMost(1.1),
    ),
    line("SQLite, save a turn", "bare better-sqlite3", beside("sqlite", "save-1000", "bare"), atMost(1.25)),
    line(
      "SQLite, save a turn: how much faster",
      "best durable peer",
      besideBest("sqlite", "save-1000", notDurable),
      atLeast(1),
    ),
    line(
      "SQLite, save a turn, both `NORMAL`: how much faster",
      "Mastra",
      quotient(figure("sqlite", "save-1000", "mastra"), figure("sqlite", "save-1000", "rivet-normal")),
      atLeast(1),
    ),
    line("SQLite, 64 sessions: turns/s", "best peer", turnsBesideBest("sqlite", "at-once-64"), atLeast(4)),
    line("Supabase, save a turn", "bare insert()", beside("supabase", "save-1000", "bare"), atMost(1.2)),
    line("Supabase, round trips a save", "one", figure("supabase", "round-trips"), atMost(1)),
    line("Supabase, save a turn: how much faster", "VoltAgent", besideBest("supabase", "save-1000"), atLeast(1.7)),
    line(
      "Supabase, 2 ms there and back: how much faster",
      "VoltAgent",
      besideBest("supabase-far", "save-first"),
      atLeast(1.7),
    ),
    line("PostgreSQL, bytes for 200 turns", "their text", stored("postgres"), atMost(2.2)),
    line("SQLite, bytes for 200 turns", "their text", stored("sqlite"), atMost(2.2)),
  ].filter(({ ratio }) => ratio !== undefined);
}

function line(title: string, against: string, ratio: number | undefined, bar: Bar): BarLine {
  return { title, against, ratio, bar };
}

function quotient(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined || right === undefined ? undefined : left / right;
}

/** The figures of those who are neither ours nor the floor. */
function peerFigures(entries: readonly Entry[], family: FamilyName, work: string, not: readonly string[]): number[] {
  return entries
    .filter((entry) => entry.family === family && entry.work === work)
    .filter(({ contender }) => contender !== "rivet" && contender !== "bare" && !not.includes(contender))
    .flatMap(({ median }) => median ?? []);
}
