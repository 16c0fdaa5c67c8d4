import { AsyncLocalStorage } from "node:async_hooks";
import { probeDelayMs } from "./probe-schedule.ts";
import type { ProviderHealth } from "./provider-state.ts";

interface ProberInit {
  readonly nowMs: () => number;
  readonly longestMs: number;
  readonly random: () => number;
  readonly isAlone: () => boolean;
  readonly health: () => ProviderHealth;
  /** Asks the server, and changes the health by what it answers. Never rejects. */
  readonly probe: () => Promise<void>;
}

/** Looks after a provider that does not take work, in the background: one probe at a time, and never on users' traffic. */
export class Prober {
  readonly #init: ProberInit;
  /** What a probe brings about belongs to no user's request, though an error of one may have set it off. */
  readonly #apart = AsyncLocalStorage.snapshot();
  #timer: NodeJS.Timeout | undefined;
  #probes = 0;
  #isProbing = false;
  #isStopped = false;

  constructor(init: ProberInit) {
    this.#init = init;
  }

  /** To be called when the state has changed. */
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
    // Looking for a provider must not keep a process alive whose work is done.
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
