/** Options objects are refused when they hold a name that is none: an option that is ignored does something else than was asked for. */
import { invalidInput, type DatabaseError } from "../errors/errors.ts";

/** The names of an options object's fields. The compiler asks for each of them. */
export type OptionNames<Options extends object> = { readonly [Name in keyof Options]-?: true };

/** @throws {DatabaseError} `invalid_input` for what is no object, and for a field that is not named, with the nearest that is. */
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
  // A key or an address that was pasted to the wrong place must not come up in an error.
  return /^[A-Za-z_$][\w$-]{0,39}$/.test(name)
    ? invalidInput(`${path}.${name}`, `is no known field; ${advice}`)
    : invalidInput(path, `has a field whose name is none; ${advice}`);
}

/** The field that a misspelt name most likely means. Case, underscores and hyphens do not count. */
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

/** How many pairs of neighbouring characters of one name are not in the other. */
function pairsMissing(name: string, other: string): number {
  const pairsOf = (text: string): string[] => Array.from(text, (_, index) => text.slice(index, index + 2));
  const found = new Set(pairsOf(name));
  return pairsOf(other).filter((pair) => !found.has(pair)).length;
}
