/** A longer name is unlikely to be a misspelt field, and is slow to compare. */
const LONGEST_NAME = 64;

/**
 * The known name that a misspelt name most likely means, or undefined when none is close. Case, underscores and hyphens
 * do not count, and a name is close to any name that begins or ends with it: `user` and `user_id` mean `userId`. Pure.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (name.length > LONGEST_NAME) return undefined;
  const wanted = simplified(name);
  const candidates = known
    .map((candidate) => ({ candidate, distance: distanceBetween(wanted, simplified(candidate)) }))
    .filter(({ candidate, distance }) => distance <= Math.max(2, candidate.length / 3))
    .toSorted((left, right) => left.distance - right.distance);
  return candidates[0]?.candidate;
}

function simplified(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, "");
}

function distanceBetween(left: string, right: string): number {
  const isPart = left.length > 2 && (right.startsWith(left) || right.endsWith(left) || left.startsWith(right));
  return isPart ? Math.min(2, Math.abs(left.length - right.length)) : editDistance(left, right);
}

/** The number of characters to add, remove or change (Levenshtein, 1966). */
function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const change = left[row - 1] === right[column - 1] ? 0 : 1;
      const cost = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + change,
      );
      current.push(cost);
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}
