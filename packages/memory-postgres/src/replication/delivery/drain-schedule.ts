/** The pause in which a burst of writes gathers, so that one drain brings all of it. */
const DEBOUNCE_MS = 100;
/** To try again what a provider did not take although it takes work; twice as long after each time. */
const FIRST_RETRY_DELAY_MS = 250;
const LONGEST_RETRY_DELAY_MS = 10_000;

/** When stores are drained next, each once at a time. */
export class DrainSchedule {
  readonly #start: (name: string) => void;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  /** By store: how often in a row somebody who takes work has not got everything. */
  readonly #failures = new Map<string, number>();
  #isStopped = false;

  constructor(start: (name: string) => void) {
    this.#start = start;
  }

  /** A moment later: what is written until then goes along. */
  soon(name: string, delayMs = DEBOUNCE_MS): void {
    if (this.#isStopped || this.#timers.has(name)) return;
    const start = (): void => {
      this.#timers.delete(name);
      this.#start(name);
    };
    this.#timers.set(name, setTimeout(start, delayMs).unref());
  }

  /**
   * To be called after each drain. One that is away is brought what it lacks when it returns; one that only stumbled is
   * not left to the interval.
   *
   * @param hasStumbled whether somebody who takes work has not got everything.
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
