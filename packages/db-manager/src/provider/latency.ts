/** The number of latest samples that count. */
const WINDOW = 256;

export interface Latency {
  /** Undefined before the first answer. */
  readonly p50: number | undefined;
  readonly p99: number | undefined;
}

/** The number of samples after which the percentile that every operation reads is computed again. */
const REFRESH = 128;

/** The latest latencies of one provider, in ms. */
export class LatencyWindow {
  readonly #samples = new Float64Array(WINDOW);
  #count = 0;
  #p99Ms: number | undefined;

  /** The 99th percentile, at most 127 samples old, because sorting for every statement would cost too much. */
  get p99Ms(): number | undefined {
    return this.#p99Ms;
  }

  /** Records a sample, unless the clock jumped (a negative value, or not a number). */
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

/** Computes the nearest-rank percentile of values in ascending order. */
function percentile(sorted: Float64Array, fraction: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)];
}
