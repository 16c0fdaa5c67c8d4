/** How many operations each pay for one hedge. */
const OPERATIONS_PER_HEDGE = 20;
/** Hedges that may be saved up. */
const BURST = 10;
/** By how much a silence has to exceed what the slowest answers take. */
const P99_FACTOR = 3;

/**
 * After how long a silence the same work also goes to another provider (Dean and Barroso, "The Tail at Scale", CACM 2013).
 *
 * @param p99Ms of the provider's answers; undefined before there are any.
 */
export function hedgeDelayMs(shortestMs: number, p99Ms: number | undefined): number {
  return Math.max(shortestMs, P99_FACTOR * (p99Ms ?? 0));
}

/** Bounds hedges to 5 % of the operations, so that a provider that is slow for all does not get twice the load. */
export class HedgeBudget {
  #saved = BURST;

  /** Counts one operation. */
  earn(): void {
    this.#saved = Math.min(BURST, this.#saved + 1 / OPERATIONS_PER_HEDGE);
  }

  /** Whether a hedge may be made; if so, it is paid. */
  spend(): boolean {
    if (this.#saved < 1) return false;
    this.#saved -= 1;
    return true;
  }
}
