interface PageLengthInit {
  /** How many rows a page may have at the moment. */
  readonly mostRows: () => number;
  readonly nowMs: () => number;
}

const FEWEST_ROWS = 20;
/** Far from every time-out, also of a provider that is slow. */
const LONGEST_PAGE_MS = 250;

/** How many rows, or hints, the next page has: a provider that is slow, or far away, is given less at a time. */
export class PageLength {
  readonly #init: PageLengthInit;
  #rows = Infinity;

  constructor(init: PageLengthInit) {
    this.#init = init;
  }

  get rows(): number {
    return Math.min(this.#rows, this.#init.mostRows());
  }

  /** Brings a page, and learns from the time that it takes, whether it succeeds or not. */
  async measure<Result>(count: number, bring: () => Promise<Result>): Promise<Result> {
    const startMs = this.#init.nowMs();
    try {
      return await bring();
    } finally {
      this.#rows = rowsAfter(this.rows, count, this.#init.nowMs() - startMs);
    }
  }
}

/** Twice as many after a page that was quick; after one that was not, as many as would have been. */
export function rowsAfter(rows: number, count: number, tookMs: number): number {
  if (tookMs <= LONGEST_PAGE_MS) return rows * 2;
  return Math.max(FEWEST_ROWS, Math.floor((count * LONGEST_PAGE_MS) / tookMs));
}
