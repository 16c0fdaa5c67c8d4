/**
 * Refuses options objects with unknown names, because an ignored option would silently change what the caller
 * requested.
 */
import { invalidInput, type DatabaseError } from "../errors/errors.ts";

/** The field names of an options object. The compiler requires every one of them. */
export type OptionNames<Options extends object> = { readonly [Name in keyof Options]-?: true };

/**
 * @throws {DatabaseError} `invalid_input` for a value that is not an object, and for an unknown field, with the nearest
 * name.
 */
export function assertFields(options: object, names: object, path: string): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw invalidInput(path, `must be an object with some of the fields ${Object.keys(names).join(", ")}`);
  }
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(names, name)) throw unknownField(name, Object.keys(names), path);
  }
}

function unknownField(name: string, known: readonly string[], path: string): DatabaseError {
  const nearest = nearestName(name, known);
  const advice = `${nearest === undefined ? "" : `did you mean ${nearest}? `}The fields are ${known.join(", ")}`;
  // A key or an address that was pasted into the wrong place must not appear in an error.
  return /^[A-Za-z_$][\w$-]{0,39}$/.test(name)
    ? invalidInput(`${path}.${name}`, `is not a known field; ${advice}`)
    : invalidInput(path, `has an unknown field; ${advice}`);
}

/** Finds the field that a misspelt name most likely means. Case, underscores and hyphens are ignored. */
function nearestName(name: string, known: readonly string[]): string | undefined {
  const wanted = simplified(name);
  const isNear = (candidate: string): boolean => {
    const other = simplified(candidate);
    const isPart =
      wanted.length > 2 && (other.startsWith(wanted) || other.endsWith(wanted) || wanted.startsWith(other));
    return isPart || pairsMissing(wanted, other) <= other.length / 3;
  };
  return known.find((candidate) => simplified(candidate) === wanted) ?? known.find(isNear);
}

function simplified(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, "");
}

/** Counts the pairs of neighbouring characters that one name has and the other lacks. */
function pairsMissing(name: string, other: string): number {
  const pairsOf = (text: string): string[] => Array.from(text, (_, index) => text.slice(index, index + 2));
  const found = new Set(pairsOf(name));
  return pairsOf(other).filter((pair) => !found.has(pair)).length;
}
