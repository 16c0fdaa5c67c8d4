/** The pause in which a burst of writes gathers, so that one drain delivers all of it. */
const DEBOUNCE_MS = 100;
/**
 * The first delay before a retry for a provider that takes work but failed a delivery. It doubles after each failure.
 */
const FIRST_RETRY_DELAY_MS = 250;
const LONGEST_RETRY_DELAY_MS = 10_000;

/** Schedules the drains of stores, one at a time for each store. */
export class DrainSchedule {
  readonly #start: (name: string) => void;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  /** By store: the number of consecutive drains in which a provider that takes work did not receive everything. */
  readonly #failures = new Map<string, number>();
  #isStopped = false;

  constructor(start: (name: string) => void) {
    this.#start = start;
  }

  /** Schedules a drain after a short pause, so that it includes the writes of the pause. */
  soon(name: string, delayMs = DEBOUNCE_MS): void {
    if (this.#isStopped || this.#timers.has(name)) return;
    const start = (): void => {
      this.#timers.delete(name);
      this.#start(name);
    };
    this.#timers.set(name, setTimeout(start, delayMs).unref());
  }

  /**
   * Schedules a retry. Call this after each drain. A provider that is away catches up when it returns; a provider that
   * only failed a delivery is retried before the interval.
   *
   * @param hasStumbled whether a provider that takes work did not receive everything.
   */
  drained(name: string, hasStumbled: boolean): void {
    if (!hasStumbled) {
      this.#failures.delete(name);
      return;
    }
    const failures = this.#failures.get(name) ?? 0;
    this.#failures.set(name, failures + 1);
    this.soon(name, Math.min(FIRST_RETRY_DELAY_MS * 2 ** failures, LONGEST_RETRY_DELAY_MS));
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }
}
