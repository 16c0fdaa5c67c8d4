import { drain, LARGE_ROWS, SMALL_ROWS, type DrainInit } from "./drain.ts";
import { PageLength } from "./page-length.ts";

interface DrainerInit extends DrainInit {
  /** Whether a provider can take work now. */
  readonly isUsable: (provider: string) => boolean;
  readonly onError: (provider: string, error: unknown) => void;
  readonly nowMs: () => number;
}

/** The interval at which rows of other processes, and rows of failed deliveries, are looked for in the file. */
const INTERVAL_MS = 2_000;

/** Drains the journal in the background into each provider that can take work. */
export class Drainer {
  readonly #init: DrainerInit;
  readonly #underWay = new Map<string, Promise<void>>();
  /** Page lengths by provider, because a page that missed its deadline would miss it again. */
  readonly #pageLengths: ReadonlyMap<string, PageLength>;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(init: DrainerInit) {
    this.#init = init;
    const { providers, nowMs } = init;
    const pageLength = (): PageLength => new PageLength({ mostRows: () => SMALL_ROWS.pageRows, nowMs });
    this.#pageLengths = new Map(providers.map((name) => [name, pageLength()]));
  }

  /** Starts to drain at intervals, because the journal has or may have rows. */
  start(): void {
    if (this.#isStopped || this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.drainAll(), INTERVAL_MS).unref();
    this.drainAll();
  }

  drainAll(): void {
    for (const provider of this.#init.providers) if (this.#init.isUsable(provider)) this.drainNow(provider);
  }

  /** Starts to deliver the journal's rows to a provider, without waiting for the end. */
  drainNow(provider: string): void {
    this.catchUp(provider).catch((error: unknown) => this.#init.onError(provider, error));
  }

  /**
   * Delivers the journal's rows to a provider: small rows first, then the large ones, while further small ones may
   * follow in parallel. Only one delivery of each kind runs at a time; a second call waits for the same one.
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

  /** Stops, after waiting for the pages in flight. Undelivered rows stay in the journal. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await Promise.allSettled(this.#underWay.values());
  }
}
