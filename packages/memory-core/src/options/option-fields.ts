/**
 * Options objects: each declares its fields once, and is read once, by one function.
 *
 * A misspelt option that is ignored does something else than was asked for, and a guard that is ignored shows or erases
 * what belongs to everybody. So nothing is ignored here. The values of the fields are checked by those who use them.
 */
import { invalidInput, type MemoryError } from "../errors/errors.ts";
import { nearestName } from "./nearest-name.ts";

/**
 * Whether a field may be given as `undefined`. A `setting` that is undefined has its default. A `guard` narrows what is
 * read, changed or erased: undefined would widen that to everything, and is refused; who means everything leaves it out.
 */
export type OptionKind = "setting" | "guard";

/** The fields of an options object. The compiler asks for each of them. */
export type OptionFields<Options extends object> = Readonly<Record<keyof Options, OptionKind>>;

/**
 * A copy of an options object that holds the declared fields and nothing else. Each field is read once, so that a getter
 * cannot give one value to the check and another to the work. A field that is undefined is not in the copy.
 *
 * @param path what errors call the object, such as `options`.
 * @throws {MemoryError} `invalid_input` for what is no object, for a field that is not declared, with the nearest one
 *   that is, for a guard that is undefined, and for a field that cannot be read.
 * @example
 * const LOAD_FIELDS: OptionFields<LoadOptions> = { userId: "guard", lastMessages: "setting" };
 * const { userId, lastMessages } = readOptions(options, LOAD_FIELDS, "options");
 */
export function readOptions<Options extends object>(
  given: Options | undefined,
  fields: OptionFields<Options>,
  path: string,
): Partial<Options> {
  const options: Partial<Options> = {};
  if (given === undefined) return options;
  const source: Options = given;
  assertOptionsObject(source, fields, path);
  for (const field in fields) {
    const fieldPath = `${path}.${field}`;
    if (!attempt(fieldPath, () => field in source)) continue;
    const value = attempt(fieldPath, () => source[field]);
    if (value !== undefined) options[field] = value;
    else if (fields[field] === "guard") {
      throw invalidInput(
        fieldPath,
        "is undefined, and would narrow nothing; give a value, or leave the field out to mean all",
      );
    }
  }
  return options;
}

/**
 * Runs what belongs to the caller: a getter, a `toJSON`, the trap of a proxy.
 *
 * @throws {MemoryError} `invalid_input` with the path when it throws. The message repeats nothing of what it threw, which
 *   is the cause.
 */
export function attempt<Result>(path: string, read: () => Result): Result {
  try {
    return read();
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** The refusal of a value that a getter, a `toJSON` or a proxy keeps from being read. */
export function unreadable(path: string, cause: unknown): MemoryError {
  return invalidInput(
    path,
    "cannot be read: a getter, a toJSON or a proxy of it throws; the cause has its error",
    cause,
  );
}

function assertOptionsObject(source: object, fields: object, path: string): void {
  const tag = typeof source === "object" && source !== null ? attempt(path, () => tagOf(source)) : typeof source;
  // A Map or a promise has no fields: it would ask for nothing, and be given everything.
  if (tag !== "Object") throw invalidInput(path, `is of type ${tag}; expected an object ${withFields(fields)}`);
  const names = attempt(path, () => Object.keys(source));
  const unknown = names.find((name) => !Object.hasOwn(fields, name));
  if (unknown !== undefined) throw unknownField(unknown, fields, path);
  const isEmptyInstance = attempt(path, () => !isPlain(source) && !Object.keys(fields).some((name) => name in source));
  if (isEmptyInstance) throw invalidInput(path, `is an instance of a class; expected an object ${withFields(fields)}`);
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Whether the object is a literal, of any realm. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function withFields(fields: object): string {
  return `with some of the fields ${Object.keys(fields).join(", ")}`;
}

function unknownField(name: string, fields: object, path: string): MemoryError {
  const nearest = nearestName(name, Object.keys(fields));
  const advice = nearest === undefined ? "" : `did you mean ${nearest}? `;
  // A key that was pasted to the wrong place must not come up in an error.
  if (!/^[A-Za-z_$][\w$-]{0,39}$/.test(name)) {
    return invalidInput(
      path,
      `has a field whose name is none; ${advice}The fields are ${Object.keys(fields).join(", ")}`,
    );
  }
  const problem = `is no known field; ${advice}The fields are ${Object.keys(fields).join(", ")}`;
  return invalidInput(`${path}.${name}`, problem);
}
