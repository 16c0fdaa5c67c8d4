import { drain, type DrainInit } from "./drain.ts";

interface DrainerInit extends DrainInit {
  /** Whether a provider can be sent work now. */
  readonly isUsable: (provider: string) => boolean;
  readonly onError: (provider: string, error: unknown) => void;
}

/** How often to look for what another process left in the file, and for what could not be brought the last time. */
const INTERVAL_MS = 2_000;

/** Empties the journal in the background, into each provider that can be sent work. */
export class Drainer {
  readonly #init: DrainerInit;
  readonly #underWay = new Map<string, Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(init: DrainerInit) {
    this.#init = init;
  }

  /** Begins to look into the journal now and then: it has, or may have, something in it. */
  start(): void {
    if (this.#isStopped || this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.drainAll(), INTERVAL_MS).unref();
    this.drainAll();
  }

  drainAll(): void {
    for (const provider of this.#init.providers) if (this.#init.isUsable(provider)) this.drainNow(provider);
  }

  /** Brings a provider what the journal holds for it, without waiting for that. */
  drainNow(provider: string): void {
    this.catchUp(provider).catch((error: unknown) => this.#init.onError(provider, error));
  }

  /** Brings a provider what the journal holds for it. One at a time: whoever asks meanwhile gets the same. */
  catchUp(provider: string): Promise<void> {
    if (this.#isStopped || this.#timer === undefined) return Promise.resolve();
    const underWay = this.#underWay.get(provider);
    if (underWay !== undefined) return underWay;
    const started = drain(this.#init, provider).finally(() => this.#underWay.delete(provider));
    this.#underWay.set(provider, started);
    return started;
  }

  /** Waits for what is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await Promise.allSettled(this.#underWay.values());
  }
}
