/** The middle of some values, and how far they lie apart. */
export interface Spread {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

/** @throws {RangeError} when there are no values. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  const [lower, upper] = [sorted[(sorted.length - 1) >> 1], sorted[middle]];
  const [lowest, highest] = [sorted[0], sorted.at(-1)];
  if (lower === undefined || upper === undefined || lowest === undefined || highest === undefined) {
    throw new RangeError("there are no values to take the median of");
  }
  return { median: (lower + upper) / 2, lowest, highest };
}

export function medianOf(values: readonly number[]): number {
  return spreadOf(values).median;
}
