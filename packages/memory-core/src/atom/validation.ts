/** Checks input before any I/O, and throws one clear `invalid_input` error with the path of the invalid value. */
import { atomIdTimeMs, isAtomId, judgeAtomId } from "./atom-id.ts";
import { invalidInput } from "../errors/errors.ts";
import { attempt } from "../options/option-fields.ts";

/** The longest name of a session, a user, a memory type or a metadata key, in UTF-16 units. */
export const MAX_NAME_LENGTH = 512;
/** The default of `maxAtomBytes`: 16 MiB. */
export const DEFAULT_MAX_ATOM_BYTES = 16 * 1024 * 1024;

/** Whether a `Date` can hold the time, in milliseconds since 1970 (ECMA-262, section 21.4.1.1). */
export function isTimeMs(timeMs: number): boolean {
  return Math.abs(timeMs) <= 8.64e15;
}

/** Checks a session id, a user id or a memory type. */
export function assertName(value: unknown, path: string): asserts value is string {
  if (typeof value !== "string") throw invalidInput(path, `is ${describe(value)}; expected a string`);
  if (value === "") throw invalidInput(path, `is empty; expected 1 to ${MAX_NAME_LENGTH} characters`);
  if (value.length > MAX_NAME_LENGTH) {
    throw invalidInput(path, `has ${value.length} UTF-16 units; at most ${MAX_NAME_LENGTH} are allowed`);
  }
  if (value.includes("\0")) throw invalidInput(path, "contains a NUL character, which is not allowed in names");
}

/** Checks the id of an existing atom and returns it in lower case. */
export function parseAtomId(value: unknown, path: string): string {
  const id = typeof value === "string" ? value.toLowerCase() : undefined;
  if (id === undefined || !isAtomId(id)) {
    throw invalidInput(
      path,
      `is ${describe(value)}; expected an atom id, a UUIDv7 such as storage.clock.next() returns`,
    );
  }
  return id;
}

/** Checks a caller's id for a new atom: an id from the far future would sort after all others for years. */
export function parseNewAtomId(value: unknown, path: string, nowMs: number): string {
  const id = parseAtomId(value, path);
  if (judgeAtomId(id, nowMs) === "ahead")
    throw invalidInput(path, `is ${aheadId(id, nowMs)}; correct the clock that is wrong`);
  return id;
}

/** Describes an id that is ahead of the clock, with its time and the permitted lead. */
export function aheadId(id: string, nowMs: number): string {
  return `${id}, whose time ${isoTime(atomIdTimeMs(id))} is more than one day ahead of the clock, ${isoTime(nowMs)}`;
}

/** A time as text: ISO, or a number if a `Date` cannot hold it. */
function isoTime(timeMs: number): string {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? `${timeMs} ms` : date.toISOString();
}

/** Checks a limit: a whole number of at least one. */
export function assertLimit(value: unknown, path: string): asserts value is number {
  if (!Number.isSafeInteger(value) || Number(value) < 1) {
    throw invalidInput(path, `is ${describe(value)}; expected a whole number of at least 1`);
  }
}

/** Checks a number of tokens or bytes: finite or infinite, at least zero. */
export function assertAmount(value: unknown, path: string): asserts value is number {
  if (typeof value !== "number" || !(value >= 0)) {
    throw invalidInput(path, `is ${describe(value)}; expected a number of at least 0`);
  }
}

/** Checks a boolean. Truthy values, such as the text "false", are refused. */
export function assertBoolean(value: unknown, path: string): asserts value is boolean {
  if (typeof value !== "boolean") throw invalidInput(path, `is ${describe(value)}; expected true or false`);
}

/** Checks a callback. */
export function assertFunction(value: unknown, path: string): void {
  if (typeof value !== "function") throw invalidInput(path, `is ${describe(value)}; expected a function`);
}

/** Checks a `Date`, of this realm or another, and returns its time in milliseconds since 1970. */
export function parseDateMs(value: unknown, path: string): number {
  const timeMs = typeof value === "object" && value !== null ? dateTimeMs(value) : undefined;
  if (timeMs !== undefined && !Number.isNaN(timeMs)) return timeMs;
  throw invalidInput(path, `is ${describe(value)}; expected a valid Date`);
}

/**
 * The time of a `Date`, NaN for an invalid one, undefined for any other object. A `Date` of another realm, such as
 * Jest, a worker's context or a frame, has another class, but is accepted.
 */
export function dateTimeMs(value: object): number | undefined {
  try {
    return Date.prototype.getTime.call(value);
  } catch {
    return undefined;
  }
}

/**
 * Parses the items of a caller's array with `parse`. Each item is read once.
 *
 * @throws {MemoryError} `invalid_input` for a value that is not an array, and the errors of `parse`.
 */
export function readList<Parsed>(
  value: unknown,
  path: string,
  parse: (item: unknown, path: string, index: number) => Parsed,
): Parsed[] {
  if (!isArray(value, path)) throw invalidInput(path, `is ${describe(value)}; expected an array`);
  const length = attempt(path, () => value.length);
  const parsed: Parsed[] = [];
  for (let index = 0; index < length; index++) {
    const itemPath = `${path}[${index}]`;
    parsed.push(
      parse(
        attempt(itemPath, () => value[index]),
        itemPath,
        index,
      ),
    );
  }
  return parsed;
}

/** Calls `Array.isArray`, which throws for a revoked proxy. */
function isArray(value: unknown, path: string): value is readonly unknown[] {
  return attempt(path, () => Array.isArray(value));
}

/** Describes a value in an error without printing its contents. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (value === "") return "an empty string";
  switch (typeof value) {
    case "undefined":
      return "undefined";
    case "number":
    case "boolean":
      return String(value);
    case "bigint":
      return "a BigInt";
    case "string":
      // A misplaced string may be a password, a key, or an address with one.
      return `a string of ${value.length} characters`;
    case "function":
    case "symbol":
      return `a ${typeof value}`;
    default:
      return describeObject(Object(value));
  }
}

function describeObject(value: object): string {
  const timeMs = dateTimeMs(value);
  if (timeMs !== undefined) return Number.isNaN(timeMs) ? "an invalid Date" : "a Date";
  try {
    return Array.isArray(value)
      ? "an array"
      : `an object of type ${Object.prototype.toString.call(value).slice(8, -1)}`;
  } catch {
    return "an object that cannot be read";
  }
}
