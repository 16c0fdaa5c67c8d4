import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Contender } from "./contenders.ts";
import type { Ground } from "./grounds.ts";
import { NotOffered, RemoteStore, StoreFailure } from "./remote-store.ts";
import type { FamilyName } from "./family-name.ts";
import type { Entry } from "./results.ts";
import { spreadOf } from "./statistics.ts";
import type { Command, Place } from "./store.ts";
import { savesElsewhere, WORKS, type Work } from "./works.ts";

export interface ContestOptions {
  readonly family: FamilyName;
  readonly ground: Ground;
  readonly contenders: readonly Contender[];
  readonly rounds: number;
  /** After so long without an answer a store is given up, and its next work begins with a new process. */
  readonly limitMs: number;
  /** The warm-up of a new process, until its code is compiled. That takes about 2,000 turns. */
  readonly warmUpMs: number;
  readonly works: readonly string[];
  /** Told what is about to happen. */
  readonly onProgress: (text: string) => void;
}

/**
 * The same work before each round: what a process has in the caches of its processor, the others have taken in the
 * meantime.
 */
const LEAD_IN_MS = 200;

/** One contender with its process, which is replaced when it fails. */
class Contestant implements AsyncDisposable {
  readonly contender: Contender;
  readonly #place: Place;
  readonly #options: ContestOptions;
  #store: RemoteStore | undefined;

  constructor(contender: Contender, place: Place, options: ContestOptions) {
    this.contender = contender;
    this.#place = place;
    this.#options = options;
  }

  /** Runs with the store's process; after a failure it is gone. */
  async with<Result>(work: (store: RemoteStore) => Promise<Result>): Promise<Result> {
    try {
      return await work(await this.#started());
    } catch (error) {
      if (!(error instanceof NotOffered)) await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #started(): Promise<RemoteStore> {
    if (this.#store !== undefined) return this.#store;
    const { warmUpMs, limitMs } = this.#options;
    const store = await RemoteStore.start(this.contender.modulePath, this.#place, limitMs);
    this.#store = store;
    await repeat(store, savesElsewhere(), warmUpMs, limitMs);
    return store;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store?.[Symbol.asyncDispose]();
    this.#store = undefined;
  }
}

/** Asks for the same again and again, and measures nothing. */
async function repeat(store: RemoteStore, command: Command, durationMs: number, limitMs: number): Promise<void> {
  const endMs = performance.now() + durationMs;
  while (performance.now() < endMs) await store.ask(command, limitMs);
}

/**
 * Writes all data to the disk before the next contender begins, because an `fsync` on ext4 also writes the data of
 * others. Windows has no program for it.
 */
async function settle(): Promise<void> {
  if (process.platform !== "win32") await promisify(execFile)("sync");
}

/** All works, each by all contenders in turns, so that what disturbs the machine disturbs all. */
export async function hold(options: ContestOptions): Promise<Entry[]> {
  const { family, ground, contenders, works, onProgress } = options;
  const contestants: Contestant[] = [];
  for (const contender of contenders) {
    contestants.push(new Contestant(contender, await ground.newPlace(contender), options));
  }
  const entries: Entry[] = [];
  try {
    for (const work of WORKS.filter(({ name }) => works.includes(name))) {
      onProgress(`${family}: ${work.title}`);
      entries.push(...(await compare(work, contestants, options)));
    }
  } finally {
    for (const contestant of contestants) await contestant[Symbol.asyncDispose]();
  }
  return entries;
}

async function compare(work: Work, contestants: readonly Contestant[], options: ContestOptions): Promise<Entry[]> {
  const { family, rounds, limitMs } = options;
  const figures = new Map<Contestant, number[]>(contestants.map((contestant) => [contestant, []]));
  const reasons = new Map<Contestant, string>();
  const attempt = async (contestant: Contestant, run: (store: RemoteStore) => Promise<void>): Promise<void> => {
    if (reasons.has(contestant)) return;
    try {
      await contestant.with(run);
    } catch (error) {
      if (!(error instanceof StoreFailure || error instanceof NotOffered)) throw error;
      reasons.set(contestant, error.message);
    }
  };
  for (const contestant of contestants) await attempt(contestant, async (store) => work.prepare?.(store, limitMs));
  for (let round = -1; round < rounds; round++) {
    for (const contestant of inTurn(contestants, round)) {
      await settle();
      await attempt(contestant, async (store) => {
        await repeat(store, work.leadIn(), LEAD_IN_MS, limitMs);
        const figure = await work.run(store, round, limitMs);
        if (round >= 0) figures.get(contestant)?.push(figure);
      });
    }
  }
  return contestants.map((contestant): Entry => {
    const reason = reasons.get(contestant);
    const about = { family, work: work.name, contender: contestant.contender.name };
    return reason === undefined ? { ...about, ...spreadOf(figures.get(contestant) ?? []) } : { ...about, reason };
  });
}

/**
 * In each round another one is first, and in as many rounds as there are items (twice as many, when their number is
 * odd) each comes after each other equally often: what one leaves behind is not always the same one's to bear. The
 * order is that of E. J. Williams, "Experimental designs balanced for the estimation of residual effects of
 * treatments", Australian Journal of Scientific Research A 2 (1949), 149-168.
 */
export function inTurn<Item>(items: readonly Item[], round: number): Item[] {
  const zigzag = items.map((_, place) => (place % 2 === 0 ? place / 2 : -(place + 1) / 2));
  const order = zigzag.flatMap((step) => items.at((step + round) % items.length) ?? []);
  return items.length % 2 === 1 && round % 2 !== 0 ? order.toReversed() : order;
}
