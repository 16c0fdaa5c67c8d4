/** The bound of a ratio. */
export interface Bar {
  readonly kind: "at most" | "at least";
  readonly value: number;
}

/** One line of the table: what was measured, against what, and the bar that the ratio should keep. */
export interface Measure {
  readonly name: string;
  /** The unit of `ours` and `reference`, such as `µs`, `turns/s` or `MB`. */
  readonly unit: string;
  readonly ours: number;
  readonly reference: number;
  /** `ours / reference`, as the bar reads it. */
  readonly ratio: number;
  readonly bar: Bar;
  /** The name of the reference. */
  readonly against: string;
}

export function keepsBar({ ratio, bar }: { readonly ratio: number; readonly bar: Bar }): boolean {
  return bar.kind === "at most" ? ratio <= bar.value : ratio >= bar.value;
}

export interface Pair {
  /** Runs one operation of ours. */
  readonly ours: () => unknown;
  /** Runs one operation of the reference. */
  readonly reference: () => unknown;
  readonly rounds: number;
  /** Operations of one side in a round. Default: 1. */
  readonly perRound?: number;
}

/**
 * The median time of one operation of either side, in milliseconds, and their ratio. The sides take turns, round by
 * round, so that what disturbs the machine disturbs both.
 */
export async function medianTimes({ ours, reference, rounds, perRound = 1 }: Pair): Promise<{
  ours: number;
  reference: number;
  ratio: number;
}> {
  const times = { ours: [] as number[], reference: [] as number[] };
  const warmUp = Math.ceil(rounds / 5);
  for (let round = -warmUp; round < rounds; round++) {
    const mine = await timeOf(ours, perRound);
    const theirs = await timeOf(reference, perRound);
    if (round < 0) continue;
    times.ours.push(mine);
    times.reference.push(theirs);
  }
  const medians = { ours: median(times.ours), reference: median(times.reference) };
  return { ...medians, ratio: medians.ours / medians.reference };
}

async function timeOf(operation: () => unknown, times: number): Promise<number> {
  const startMs = performance.now();
  for (let index = 0; index < times; index++) {
    const result = operation();
    if (result instanceof Promise) await result;
  }
  return (performance.now() - startMs) / times;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
