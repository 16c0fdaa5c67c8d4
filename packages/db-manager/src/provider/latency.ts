/** How many of the latest samples count. */
const WINDOW = 256;

export interface Latency {
  /** Undefined before the first answer. */
  readonly p50: number | undefined;
  readonly p99: number | undefined;
}

/** After how many samples the percentile that every operation looks at is computed anew. */
const REFRESH = 128;

/** The latest latencies of one provider, in ms. */
export class LatencyWindow {
  readonly #samples = new Float64Array(WINDOW);
  #count = 0;
  #p99Ms: number | undefined;

  /** The 99th percentile, at most 127 samples old: sorting takes longer than a statement should cost. */
  get p99Ms(): number | undefined {
    return this.#p99Ms;
  }

  /** A sample from a clock that jumped (negative, or no number at all) says nothing and is left out. */
  record(latencyMs: number): void {
    if (!(latencyMs >= 0) || latencyMs === Infinity) return;
    this.#samples[this.#count % WINDOW] = latencyMs;
    this.#count += 1;
    if (this.#count % REFRESH === 0) this.#p99Ms = this.summary().p99;
  }

  summary(): Latency {
    const sorted = this.#samples.slice(0, Math.min(this.#count, WINDOW)).sort();
    return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
  }
}

/** The nearest-rank percentile of values in ascending order. */
function percentile(sorted: Float64Array, fraction: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)];
}
