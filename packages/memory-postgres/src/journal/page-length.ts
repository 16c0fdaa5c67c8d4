interface PageLengthInit {
  /** Returns the number of rows that a page may have now. */
  readonly mostRows: () => number;
  readonly nowMs: () => number;
}

const FEWEST_ROWS = 20;
/** The target duration of a page, far below every time-out, even of a slow provider. */
const LONGEST_PAGE_MS = 250;

/** The number of rows or hints of the next page. A slow or distant provider receives smaller pages. */
export class PageLength {
  readonly #init: PageLengthInit;
  #rows = Infinity;

  constructor(init: PageLengthInit) {
    this.#init = init;
  }

  get rows(): number {
    return Math.min(this.#rows, this.#init.mostRows());
  }

  /** Delivers a page and adjusts the length by the time it takes, whether it succeeds or not. */
  async measure<Result>(count: number, bring: () => Promise<Result>): Promise<Result> {
    const startMs = this.#init.nowMs();
    try {
      return await bring();
    } finally {
      this.#rows = rowsAfter(this.rows, count, this.#init.nowMs() - startMs);
    }
  }
}

/** Doubles the rows after a quick page; after a slow one, returns the number that would have been quick enough. */
export function rowsAfter(rows: number, count: number, tookMs: number): number {
  if (tookMs <= LONGEST_PAGE_MS) return rows * 2;
  return Math.max(FEWEST_ROWS, Math.floor((count * LONGEST_PAGE_MS) / tookMs));
}
