import { drain, LARGE_ROWS, SMALL_ROWS, type DrainInit } from "./drain.ts";
import { PageLength } from "./page-length.ts";

interface DrainerInit extends DrainInit {
  /** Whether a provider can be sent work now. */
  readonly isUsable: (provider: string) => boolean;
  readonly onError: (provider: string, error: unknown) => void;
  readonly nowMs: () => number;
}

/** How often to look for what another process left in the file, and for what could not be brought the last time. */
const INTERVAL_MS = 2_000;

/** Empties the journal in the background, into each provider that can be sent work. */
export class Drainer {
  readonly #init: DrainerInit;
  readonly #underWay = new Map<string, Promise<void>>();
  /** By provider: a page that came too late for its deadline would come too late again. */
  readonly #pageLengths: ReadonlyMap<string, PageLength>;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(init: DrainerInit) {
    this.#init = init;
    const { providers, nowMs } = init;
    const pageLength = (): PageLength => new PageLength({ mostRows: () => SMALL_ROWS.pageRows, nowMs });
    this.#pageLengths = new Map(providers.map((name) => [name, pageLength()]));
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

  /**
   * Brings a provider what the journal holds for it: small rows first, and then the large ones, beside which other small ones
   * may go. One of each at a time: a call that comes meanwhile waits for the same.
   */
  async catchUp(provider: string): Promise<void> {
    if (this.#isStopped || this.#timer === undefined) return;
    const isOver = (): boolean => this.#isStopped;
    const pageLength = this.#pageLengths.get(provider);
    const control = { isOver, ...(pageLength && { pageLength }) };
    const small = this.#once(`${provider} small`, () => drain(this.#init, provider, SMALL_ROWS, control));
    const large = this.#once(`${provider} large`, async () => {
      await small;
      await drain(this.#init, provider, LARGE_ROWS, { isOver });
    });
    await Promise.all([small, large]);
  }

  #once(name: string, work: () => Promise<void>): Promise<void> {
    const underWay = this.#underWay.get(name);
    if (underWay !== undefined) return underWay;
    const started = work().finally(() => this.#underWay.delete(name));
    this.#underWay.set(name, started);
    return started;
  }

  /** Waits for the pages that are under way. What is left stays in the journal. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await Promise.allSettled(this.#underWay.values());
  }
}
