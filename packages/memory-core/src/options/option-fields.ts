/**
 * Reads options objects. Each options object declares its fields once, and is read once, by one function.
 *
 * Nothing is ignored here: an ignored misspelt option would change the result, and an ignored guard would show or erase
 * the data of all users. The values of the fields are checked by the code that uses them.
 */
import { invalidInput, type MemoryError } from "../errors/errors.ts";
import { nearestName } from "./nearest-name.ts";

/**
 * Whether a field may be given as `undefined`. A `setting` that is undefined has its default. A `guard` narrows what is
 * read, changed or erased; undefined would widen that to everything, and is refused. A caller that means everything
 * leaves the field out.
 */
export type OptionKind = "setting" | "guard";

/** The fields of an options object. The compiler requires all of them. */
export type OptionFields<Options extends object> = Readonly<Record<keyof Options, OptionKind>>;

/**
 * Copies the declared fields of an options object, and refuses any other field. Each field is read once, so that a
 * getter cannot return one value to the check and another to the work. Undefined fields are left out of the copy.
 *
 * @param path The name of the object in errors, such as `options`.
 * @throws {MemoryError} `invalid_input` for a value that is not an object, for an undeclared field (with the nearest
 *   declared one), for a guard that is undefined, and for a field that cannot be read.
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
        "is undefined, which would not narrow anything; give a value, or leave the field out to mean all",
      );
    }
  }
  return options;
}

/**
 * Runs code of the caller: a getter, a `toJSON`, the trap of a proxy.
 *
 * @throws {MemoryError} `invalid_input` with the path when it throws. The thrown error is the cause; the message
 *   repeats nothing of it.
 */
export function attempt<Result>(path: string, read: () => Result): Result {
  try {
    return read();
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** The error for a value that cannot be read because a getter, a `toJSON` or a proxy throws. */
export function unreadable(path: string, cause: unknown): MemoryError {
  return invalidInput(path, "cannot be read: its getter, toJSON or proxy throws; see the cause of this error", cause);
}

function assertOptionsObject(source: object, fields: object, path: string): void {
  const tag = typeof source === "object" && source !== null ? attempt(path, () => tagOf(source)) : typeof source;
  // A Map or a promise has no option fields: it would pass the check, narrow nothing, and return or erase everything.
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

/** Whether the object is a plain object of any realm. */
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
  // A key that was pasted in the wrong place must not appear in an error.
  if (!/^[A-Za-z_$][\w$-]{0,39}$/.test(name)) {
    return invalidInput(
      path,
      `has a field with an invalid name; ${advice}The fields are ${Object.keys(fields).join(", ")}`,
    );
  }
  const problem = `is not a known field; ${advice}The fields are ${Object.keys(fields).join(", ")}`;
  return invalidInput(`${path}.${name}`, problem);
}
