interface Label {
  /** The position of its line. */
  readonly x: number;
  /** In letters. */
  readonly length: number;
}

interface PlacedLabel {
  /** The position of its middle. */
  readonly x: number;
  /** 0 is the lowest. */
  readonly row: number;
}

export const LABEL_HEIGHT = 14;
const LETTER_WIDTH = 7;
/** More would leave no room for what they are about. */
const ROWS = 4;

/**
 * Places labels above their lines, which are in their order, so that none covers another or is cut off at the right;
 * undefined for one for which there is no room. Pure.
 */
export function placeLabels(labels: readonly Label[], right: number): (PlacedLabel | undefined)[] {
  const ends: number[] = [];
  return labels.map(({ x, length }) => {
    const half = (length * LETTER_WIDTH) / 2;
    const middle = Math.min(x, right - half);
    const row = Array.from({ length: ROWS }, (_, row) => row).find((row) => (ends[row] ?? 0) <= middle - half);
    if (row === undefined) return undefined;
    ends[row] = middle + half;
    return { x: middle, row };
  });
}
