import { AsyncLocalStorage } from "node:async_hooks";
import { probeDelayMs } from "./probe-schedule.ts";
import type { ProviderHealth } from "./provider-state.ts";

interface ProberInit {
  readonly nowMs: () => number;
  readonly longestMs: number;
  readonly random: () => number;
  readonly isAlone: () => boolean;
  readonly health: () => ProviderHealth;
  /** Probes the server and updates the health. Never rejects. */
  readonly probe: () => Promise<void>;
}

/** Probes a provider that takes no work, in the background: one probe at a time, and never with users' statements. */
export class Prober {
  readonly #init: ProberInit;
  /** Runs probes outside of any user's request context, even if an error of a request triggered the probe. */
  readonly #apart = AsyncLocalStorage.snapshot();
  #timer: NodeJS.Timeout | undefined;
  #probes = 0;
  #isProbing = false;
  #isStopped = false;

  constructor(init: ProberInit) {
    this.#init = init;
  }

  /** Schedules the next probe. Call this when the state has changed. */
  schedule(): void {
    if (this.#isProbing || this.#isStopped) return;
    const { nowMs, longestMs, random, isAlone, health } = this.#init;
    clearTimeout(this.#timer);
    const context = { nowMs: nowMs(), longestMs, probes: this.#probes, isAlone: isAlone(), random };
    const delayMs = probeDelayMs(health(), context);
    if (delayMs === undefined) {
      this.#probes = 0;
      return;
    }
    // Probing must not keep a finished process alive.
    this.#timer = setTimeout(() => void this.#apart(() => this.#probe()), delayMs).unref();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #probe(): Promise<void> {
    this.#isProbing = true;
    this.#probes += 1;
    try {
      await this.#init.probe();
    } finally {
      this.#isProbing = false;
      this.schedule();
    }
  }
}
