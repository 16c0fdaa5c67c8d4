/**
 * Measures the costs of a store besides time: bytes on disk, statements, round trips, and the time until its first
 * save.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Contender } from "./contenders.ts";
import type { ContestOptions } from "./contest.ts";
import { NotOffered, RemoteStore, StoreFailure } from "./remote-store.ts";
import type { Entry } from "./results.ts";
import { spreadOf } from "./statistics.ts";

export const FOOTPRINTS = {
  start: { title: "from the start of a process to its first save", unit: "ms" },
  bytes: { title: "stored for 200 turns of two messages of 290 characters", unit: "bytes" },
  statements: { title: "statements a save", unit: "per save" },
  "round-trips": { title: "round trips a save", unit: "per save" },
} as const;

const STORED_TURNS = 200;
const COUNTED_TURNS = 100;

export async function measureFootprints(options: ContestOptions): Promise<Entry[]> {
  const { family, contenders, works, onProgress } = options;
  const entries: Entry[] = [];
  for (const [work, measure] of Object.entries({
    start: startUp,
    bytes: bytesStored,
    statements,
    "round-trips": roundTrips,
  })) {
    if (!works.includes(work)) continue;
    onProgress(`${family}: ${FOOTPRINTS[work as keyof typeof FOOTPRINTS].title}`);
    for (const contender of contenders) {
      const about = { family, work, contender: contender.name };
      try {
        const figures = await measure(contender, options);
        if (figures !== undefined) entries.push({ ...about, ...spreadOf(figures) });
      } catch (error) {
        if (!(error instanceof StoreFailure || error instanceof NotOffered)) throw error;
        entries.push({ ...about, reason: error.message });
      }
    }
  }
  return entries;
}

/** With tables that are there already, as after the first start of all. */
async function startUp(contender: Contender, { ground, rounds, limitMs }: ContestOptions): Promise<number[]> {
  const place = await ground.newPlace(contender);
  const timesMs: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const startMs = performance.now();
    await using store = await RemoteStore.start(contender.modulePath, place, limitMs);
    await store.ask({ name: "save", sessionId: `start ${performance.timeOrigin} ${round}`, turns: 1 }, limitMs);
    if (round >= 0) timesMs.push(performance.now() - startMs);
  }
  return timesMs;
}

async function bytesStored(contender: Contender, { ground, limitMs }: ContestOptions): Promise<number[] | undefined> {
  const { bytesAt } = ground;
  if (bytesAt === undefined) return undefined;
  const place = await ground.newPlace(contender);
  const sizes: number[] = [];
  // What they add to a store that is in use: an index takes a page for its first entry.
  for (const turns of [1, STORED_TURNS]) {
    await using store = await RemoteStore.start(contender.modulePath, place, limitMs);
    await store.ask({ name: "save", sessionId: `stored ${turns}`, turns }, limitMs);
    await store.ask({ name: "close" }, limitMs);
    sizes.push(await bytesAt(place));
  }
  const [before = 0, after = 0] = sizes;
  return [after - before];
}

async function statements(contender: Contender, { ground, limitMs }: ContestOptions): Promise<number[] | undefined> {
  const { statementsAt } = ground;
  if (statementsAt === undefined) return undefined;
  const place = await ground.newPlace(contender);
  await using store = await RemoteStore.start(contender.modulePath, place, limitMs);
  await store.ask({ name: "save", sessionId: "counted", turns: 10 }, limitMs);
  const before = await statementsAt(place);
  await store.ask({ name: "save", sessionId: "counted", turns: COUNTED_TURNS }, limitMs);
  // A backend reports what it did shortly after it answered.
  await delay(100);
  return [((await statementsAt(place)) - before) / COUNTED_TURNS];
}

async function roundTrips(contender: Contender, { ground, limitMs }: ContestOptions): Promise<number[] | undefined> {
  if (ground.counted === undefined) return undefined;
  const { place, proxy: opened } = await ground.counted(await ground.newPlace(contender));
  await using proxy = opened;
  await using store = await RemoteStore.start(contender.modulePath, place, limitMs);
  await store.ask({ name: "save", sessionId: "round trips", turns: 10 }, limitMs);
  const before = proxy.roundTrips;
  await store.ask({ name: "save", sessionId: "round trips", turns: COUNTED_TURNS }, limitMs);
  return [(proxy.roundTrips - before) / COUNTED_TURNS];
}
