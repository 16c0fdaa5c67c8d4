/** The work that each store performs, and the computation of its figure. */
import { randomUUID } from "node:crypto";
import { medianOf } from "./statistics.ts";
import type { RemoteStore } from "./remote-store.ts";
import type { Command } from "./store.ts";

export interface Work {
  readonly name: string;
  readonly title: string;
  readonly unit: "ms" | "turns/s" | "bytes" | "per save";
  /** Once, before the rounds. */
  readonly prepare?: (store: RemoteStore, limitMs: number) => Promise<void>;
  /** A little of the same work, which is not timed: made for each round, and repeated until it begins. */
  readonly leadIn: () => Command;
  /** @returns the figure of one round. Round -1 warms up, and does not count. */
  readonly run: (store: RemoteStore, round: number, limitMs: number) => Promise<number>;
}

const FIRST_TURNS = 50;
/**
 * A round of saves goes on until it has taken so long, so that what disturbs a machine for a moment decides no median.
 */
const ROUND_MS = 250;
const TURNS_AT_A_TIME = 5;
const MOST_TURNS = 200;
const LISTED_OF = 1_000;
/** Sessions that save at once, and how many turns each then saves in a round. */
const AT_ONCE = { 1: 40, 16: 20, 64: 10, 256: 4 } as const;

export const WORKS: readonly Work[] = [
  {
    name: "save-first",
    title: "save a turn, a session's first 100 messages",
    unit: "ms",
    leadIn: savesElsewhere,
    run: (store, round, limitMs) =>
      medianOfRound((part) => saveTurns(store, `first ${round} ${part}`, FIRST_TURNS, limitMs)),
  },
  saveAfter(1_000),
  saveAfter(10_000),
  {
    name: "load-last",
    title: "load the last 20 of 1,000 messages",
    unit: "ms",
    prepare: (store, limitMs) => fill(store, "thousand", 1_000, limitMs),
    leadIn: () => loadsOfLast(5),
    run: async (store, _round, limitMs) => medianOf(await store.ask(loadsOfLast(50), limitMs)),
  },
  {
    name: "load-1000",
    title: "load 1,000 messages",
    unit: "ms",
    prepare: (store, limitMs) => fill(store, "thousand to load", 1_000, limitMs),
    leadIn: () => loads(2),
    run: async (store, _round, limitMs) => medianOf(await store.ask(loads(20), limitMs)),
  },
  {
    name: "list",
    title: `list 20 of ${LISTED_OF.toLocaleString("en")} sessions`,
    unit: "ms",
    prepare: async (store, limitMs) => {
      await store.ask(lists(0), limitMs);
      for (let number = 0; number < LISTED_OF; number++) await saveTurns(store, `listed ${number}`, 1, limitMs);
    },
    leadIn: () => lists(5),
    run: async (store, _round, limitMs) => medianOf(await store.ask(lists(50), limitMs)),
  },
  ...Object.entries(AT_ONCE).map(([sessions, turns]) => saveAtOnce(Number(sessions), turns)),
];

function saveAfter(messages: number): Work {
  const sessionId = `${messages} before`;
  return {
    name: `save-${messages}`,
    title: `save a turn, after ${messages.toLocaleString("en")} messages`,
    unit: "ms",
    prepare: (store, limitMs) => fill(store, sessionId, messages, limitMs),
    leadIn: savesElsewhere,
    run: (store, _round, limitMs) => medianOfRound(() => saveTurns(store, sessionId, TURNS_AT_A_TIME, limitMs)),
  };
}

function saveAtOnce(sessions: number, turns: number): Work {
  const sessionIds = Array.from({ length: sessions }, (_, index) => `one of ${sessions}, ${index}`);
  return {
    name: `at-once-${sessions}`,
    title: sessions === 1 ? "one session saving" : `${sessions} sessions saving at once`,
    unit: "turns/s",
    leadIn: () => ({ name: "save at once", sessionIds, turns: Math.ceil(10 / sessions) }),
    run: async (store, _round, limitMs) => {
      let [parts, totalMs] = [0, 0];
      for (; totalMs < ROUND_MS; parts++) {
        const [timeMs = Number.NaN] = await store.ask({ name: "save at once", sessionIds, turns }, limitMs);
        totalMs += timeMs;
      }
      return (parts * sessions * turns * 1_000) / totalMs;
    },
  };
}

/** To one session of their own, so that the one under test grows by what is timed alone. */
export function savesElsewhere(): Command {
  return { name: "save", sessionId: `unmeasured ${randomUUID()}`, turns: 10 };
}

function loadsOfLast(times: number): Command {
  return { name: "load last", sessionId: "thousand", messages: 20, times };
}

function loads(times: number): Command {
  return { name: "load", sessionId: "thousand to load", messages: 1_000, times };
}

function lists(times: number): Command {
  return { name: "list", sessions: 20, times };
}

/** It is no figure, and some have to fill message by message: they get more time. */
async function fill(store: RemoteStore, sessionId: string, messages: number, limitMs: number): Promise<void> {
  await store.ask({ name: "fill", sessionId, messages }, 3 * limitMs);
}

function saveTurns(store: RemoteStore, sessionId: string, turns: number, limitMs: number): Promise<readonly number[]> {
  return store.ask({ name: "save", sessionId, turns }, limitMs);
}

/** @param partOf times of some operations; asked again until the round is over. */
async function medianOfRound(partOf: (part: number) => Promise<readonly number[]>): Promise<number> {
  const endMs = performance.now() + ROUND_MS;
  const timesMs: number[] = [];
  do timesMs.push(...(await partOf(timesMs.length)));
  while (performance.now() < endMs && timesMs.length < MOST_TURNS);
  return medianOf(timesMs);
}
