/** The number of operations that pay for one hedge. */
const OPERATIONS_PER_HEDGE = 20;
/** The maximum number of saved hedges. */
const BURST = 10;
/** The factor by which a silence must exceed the slowest answers. */
const P99_FACTOR = 3;

/**
 * Returns the silence in ms after which work is also sent to another provider (Dean and Barroso, "The Tail at Scale",
 * CACM 2013).
 *
 * @param p99Ms the 99th percentile of the provider's latencies; undefined before the first answer.
 */
export function hedgeDelayMs(shortestMs: number, p99Ms: number | undefined): number {
  return Math.max(shortestMs, P99_FACTOR * (p99Ms ?? 0));
}

/** Limits hedges to 5 % of the operations, so that general slowness does not double the load. */
export class HedgeBudget {
  #saved = BURST;

  /** Counts one operation. */
  earn(): void {
    this.#saved = Math.min(BURST, this.#saved + 1 / OPERATIONS_PER_HEDGE);
  }

  /** Whether the budget allows a hedge; if so, the hedge is deducted. */
  spend(): boolean {
    if (this.#saved < 1) return false;
    this.#saved -= 1;
    return true;
  }
}
