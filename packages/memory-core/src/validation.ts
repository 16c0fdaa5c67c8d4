/** Bad input becomes one clear `invalid_input` error, with the path of the offending value, before any I/O. */
import { atomIdTimeMs, isAtomId, MAX_ID_LEAD_MS } from "./atom-id.ts";
import { invalidInput } from "./errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "./json.ts";

/** The longest session id, user id or memory type, in UTF-16 units. */
const MAX_NAME_LENGTH = 512;
/** The deepest nesting of arrays and objects in one value. */
const MAX_NESTING = 1_000;
/** The default of `maxAtomBytes`: 16 MiB. */
export const DEFAULT_MAX_ATOM_BYTES = 16 * 1024 * 1024;

/** Checks a session id, a user id or a memory type. */
export function assertName(value: unknown, path: string): asserts value is string {
  if (typeof value !== "string") throw invalidInput(path, `is ${describe(value)}; expected a string`);
  if (value === "") throw invalidInput(path, `is empty; expected 1 to ${MAX_NAME_LENGTH} characters`);
  if (value.length > MAX_NAME_LENGTH) {
    throw invalidInput(path, `has ${value.length} UTF-16 units; at most ${MAX_NAME_LENGTH} are allowed`);
  }
  if (value.includes("\0")) throw invalidInput(path, "contains a NUL character, which is not allowed in names");
}

/** Checks an id that addresses an atom and returns it in lower case. */
export function parseAtomId(value: unknown, path: string): string {
  const id = typeof value === "string" ? value.toLowerCase() : undefined;
  if (id === undefined || !isAtomId(id)) {
    throw invalidInput(path, `is ${describe(value)}; expected an atom id, a UUIDv7 such as storage.clock.next() gives`);
  }
  return id;
}

/** Checks an id that a caller brings for a new atom: one from the far future would drag every clock along. */
export function parseNewAtomId(value: unknown, path: string, nowMs: number): string {
  const id = parseAtomId(value, path);
  const leadMs = atomIdTimeMs(id) - nowMs;
  if (leadMs > MAX_ID_LEAD_MS) {
    throw invalidInput(path, `has a time ${leadMs} ms ahead of this machine's clock; at most one day is allowed`);
  }
  return id;
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

/** Checks a `Date` and returns its time in milliseconds since 1970. */
export function parseDateMs(value: unknown, path: string): number {
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) {
    throw invalidInput(path, `is ${describe(value)}; expected a valid Date`);
  }
  return value.getTime();
}

/** Checks that the argument is an options object, so that a misplaced string is not taken for one. */
export function assertOptions(value: unknown, path: string): void {
  if (value === undefined || isJsonObject(value)) return;
  throw invalidInput(path, `is ${describe(value)}; expected an object`);
}

/**
 * A deep copy of a value as JSON will hold it, frozen: dates as ISO strings, `toJSON` honoured, properties that are
 * `undefined` left out. What the caller does to the original later changes nothing.
 *
 * @param maxBytes the largest size that could still be accepted; a value that is certainly larger is refused early.
 * @param depth how deep the value already is; negative for an envelope around values that may be as deep as any.
 * @throws {MemoryError} `invalid_input` for what JSON cannot hold.
 */
export function snapshotJson(value: unknown, path: string, maxBytes = DEFAULT_MAX_ATOM_BYTES, depth = 0): JsonValue {
  return new Snapshot(maxBytes).take(value, new Path(path), depth);
}

/** {@link snapshotJson} for a value that must be an object, such as metadata. */
export function snapshotJsonObject(value: unknown, path: string, maxBytes?: number, depth?: number): JsonObject {
  const copy = snapshotJson(value, path, maxBytes, depth);
  if (!isJsonObject(copy)) {
    throw invalidInput(path, `is ${describe(value)}; expected a plain object`);
  }
  return copy;
}

/** A place in a value, told only when it is wanted: most values are good. */
class Path {
  readonly parent: Path | undefined;
  readonly step: string;

  constructor(step: string, parent?: Path) {
    this.step = step;
    this.parent = parent;
  }

  toString(): string {
    const steps = this.#steps();
    return steps.length <= 40 ? steps.join("") : `${steps.slice(0, 20).join("")}…${steps.slice(-5).join("")}`;
  }

  #steps(): string[] {
    return this.parent === undefined ? [this.step] : [...this.parent.#steps(), this.step];
  }
}

function keyStep(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

class Snapshot {
  readonly #maxBytes: number;
  readonly #ancestors: unknown[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  take(value: unknown, path: Path, depth: number): JsonValue {
    switch (typeof value) {
      case "string":
        this.#count(value.length + 2, path);
        return value;
      case "boolean":
        this.#count(4, path);
        return value;
      case "number":
        if (!Number.isFinite(value)) throw invalidInput(`${path}`, `is ${value}, which JSON cannot hold`);
        this.#count(1, path);
        // JSON has no negative zero.
        return value + 0;
      case "object":
        if (value === null) return null;
        return this.#takeObject(value, path, depth);
      default:
        throw invalidInput(`${path}`, `is ${describe(value)}, which JSON cannot hold`);
    }
  }

  #takeObject(value: object, path: Path, depth: number): JsonValue {
    if (depth >= MAX_NESTING) {
      const isCycle = new Set(this.#ancestors).size < this.#ancestors.length || this.#ancestors.includes(value);
      throw invalidInput(
        `${path}`,
        isCycle ? "is part of a cycle, which JSON cannot hold" : `is nested deeper than ${MAX_NESTING} levels`,
      );
    }
    this.#count(2, path);
    this.#ancestors.push(value);
    const copy = Array.isArray(value) ? this.#takeArray(value, path, depth) : this.#takeRecord(value, path, depth);
    this.#ancestors.pop();
    return copy;
  }

  #takeArray(array: readonly unknown[], path: Path, depth: number): JsonValue {
    const copy = Array.from(array, (item, index) => this.take(item, new Path(`[${index}]`, path), depth + 1));
    return Object.freeze(copy) as JsonValue[];
  }

  #takeRecord(object: object, path: Path, depth: number): JsonValue {
    if ("toJSON" in object && typeof object.toJSON === "function") {
      if (object instanceof Date && Number.isNaN(object.getTime())) throw invalidInput(`${path}`, "is an invalid Date");
      return this.take(object.toJSON(""), path, depth + 1);
    }
    if (Object.prototype.toString.call(object) !== "[object Object]") {
      throw invalidInput(`${path}`, `is ${describe(object)}, which JSON cannot hold; convert it to plain data first`);
    }
    const entries: [string, JsonValue][] = [];
    for (const [key, item] of Object.entries(object)) {
      if (item === undefined) continue;
      this.#count(key.length + 3, path);
      entries.push([key, this.take(item, new Path(keyStep(key), path), depth + 1)]);
    }
    // `fromEntries` defines properties, so a key named __proto__ stays a key.
    return Object.freeze(Object.fromEntries(entries));
  }

  /** Counts a lower bound of the bytes, so that a small graph of shared references cannot grow without end. */
  #count(bytes: number, path: Path): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#maxBytes) {
      throw invalidInput(`${path}`, `takes the atom over maxAtomBytes = ${this.#maxBytes} bytes of JSON`);
    }
  }
}

/** Names a value in an error without printing what it holds. */
function describe(value: unknown): string {
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
      return value.length <= 64 ? JSON.stringify(value) : `a string of ${value.length} characters`;
    case "function":
    case "symbol":
      return `a ${typeof value}`;
    default:
      if (Array.isArray(value)) return "an array";
      if (value instanceof Date) return Number.isNaN(value.getTime()) ? "an invalid Date" : "a Date";
      return `an object of type ${Object.prototype.toString.call(value).slice(8, -1)}`;
  }
}
