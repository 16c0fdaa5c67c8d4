import { setTimeout as delay } from "node:timers/promises";
import { toFailure } from "../failures.ts";
import type { LiveSource } from "./live-source.ts";

/** The share of a store's time that all readings together take at most. */
const LARGEST_SHARE = 0.1;

type Listener = (data: string) => void;

/** Reads a source again and again while somebody listens, and passes on each change. */
export class LivePoll {
  readonly #source: LiveSource;
  readonly #pollCount: () => number;
  readonly #listeners = new Set<Listener>();
  #ended = new AbortController();
  #last: string | undefined;

  /** @param pollCount how many sources are read side by side. */
  constructor(source: LiveSource, pollCount: () => number) {
    this.#source = source;
    this.#pollCount = pollCount;
  }

  get isIdle(): boolean {
    return this.#listeners.size === 0;
  }

  add(listener: Listener): void {
    this.#listeners.add(listener);
    if (this.#last !== undefined) listener(this.#last);
    if (this.#listeners.size > 1) return;
    this.#ended = new AbortController();
    void this.#run(this.#ended.signal);
  }

  remove(listener: Listener): void {
    this.#listeners.delete(listener);
    if (this.isIdle) this.#ended.abort();
  }

  async #run(ended: AbortSignal): Promise<void> {
    let lastTookMs = 0;
    while (!ended.aborted) {
      const startMs = performance.now();
      const data = await readAsText(this.#source);
      const tookMs = performance.now() - startMs;
      if (ended.aborted) return;
      if (data !== this.#last) {
        this.#last = data;
        for (const listener of this.#listeners) listener(data);
      }
      // One reading that took long is no habit: a server that dies makes one.
      const usualMs = Math.min(tookMs, lastTookMs);
      lastTookMs = tookMs;
      const pauseMs = Math.max(this.#source.intervalMs, (usualMs * this.#pollCount()) / LARGEST_SHARE);
      await delay(pauseMs, undefined, { signal: ended }).catch(() => undefined);
    }
  }
}

async function readAsText(source: LiveSource): Promise<string> {
  try {
    return JSON.stringify(await source.read());
  } catch (error) {
    return JSON.stringify(toFailure(error).body);
  }
}
