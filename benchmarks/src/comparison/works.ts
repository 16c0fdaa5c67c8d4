/** What is asked of each store, and how its figure comes about. */
import { medianOf } from "./statistics.ts";
import type { RemoteStore } from "./remote-store.ts";

export interface Work {
  readonly name: string;
  readonly title: string;
  readonly unit: "ms" | "turns/s" | "bytes" | "per save";
  /** Once, before the rounds. */
  readonly prepare?: (store: RemoteStore, limitMs: number) => Promise<void>;
  /** @returns the figure of one round. Round -1 warms up, and does not count. */
  readonly run: (store: RemoteStore, round: number, limitMs: number) => Promise<number>;
}

const FIRST_TURNS = 50;
const TURNS_PER_ROUND = 20;
const LISTED_OF = 1_000;
/** Sessions that save at once, and how many turns each then saves in a round. */
const AT_ONCE = { 1: 40, 16: 20, 64: 10, 256: 4 } as const;

export const WORKS: readonly Work[] = [
  {
    name: "save-first",
    title: "save a turn, a session's first 100 messages",
    unit: "ms",
    run: (store, round, limitMs) => saveTurns(store, `first ${round}`, FIRST_TURNS, limitMs),
  },
  saveAfter(1_000),
  saveAfter(10_000),
  {
    name: "load-last",
    title: "load the last 20 of 1,000 messages",
    unit: "ms",
    prepare: (store, limitMs) => fill(store, "thousand", 1_000, limitMs),
    run: async (store, _round, limitMs) =>
      medianOf(await store.ask({ name: "load last", sessionId: "thousand", messages: 20, times: 50 }, limitMs)),
  },
  {
    name: "load-1000",
    title: "load 1,000 messages",
    unit: "ms",
    prepare: (store, limitMs) => fill(store, "thousand to load", 1_000, limitMs),
    run: async (store, _round, limitMs) =>
      medianOf(await store.ask({ name: "load", sessionId: "thousand to load", messages: 1_000, times: 20 }, limitMs)),
  },
  {
    name: "list",
    title: `list 20 of ${LISTED_OF.toLocaleString("en")} sessions`,
    unit: "ms",
    prepare: async (store, limitMs) => {
      await store.ask({ name: "list", sessions: 20, times: 0 }, limitMs);
      for (let number = 0; number < LISTED_OF; number++) await saveTurns(store, `listed ${number}`, 1, limitMs);
    },
    run: async (store, _round, limitMs) =>
      medianOf(await store.ask({ name: "list", sessions: 20, times: 50 }, limitMs)),
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
    run: (store, _round, limitMs) => saveTurns(store, sessionId, TURNS_PER_ROUND, limitMs),
  };
}

function saveAtOnce(sessions: number, turns: number): Work {
  const sessionIds = Array.from({ length: sessions }, (_, index) => `one of ${sessions}, ${index}`);
  return {
    name: `at-once-${sessions}`,
    title: sessions === 1 ? "one session saving" : `${sessions} sessions saving at once`,
    unit: "turns/s",
    run: async (store, _round, limitMs) => {
      const [timeMs = Number.NaN] = await store.ask({ name: "save at once", sessionIds, turns }, limitMs);
      return (sessions * turns * 1_000) / timeMs;
    },
  };
}

/** It is no figure, and some have to fill message by message: they get more time. */
async function fill(store: RemoteStore, sessionId: string, messages: number, limitMs: number): Promise<void> {
  await store.ask({ name: "fill", sessionId, messages }, 3 * limitMs);
}

async function saveTurns(store: RemoteStore, sessionId: string, turns: number, limitMs: number): Promise<number> {
  return medianOf(await store.ask({ name: "save", sessionId, turns }, limitMs));
}
