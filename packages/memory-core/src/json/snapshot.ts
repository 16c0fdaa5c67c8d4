/**
 * Copies a caller's value as JSON. The value may be hostile, or of another realm: each property is read once, and an
 * error of a getter, a `toJSON` or a proxy becomes an error with the path.
 */
import { MAX_NESTING } from "./json-nesting.ts";
import { invalidInput } from "../errors/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "./json.ts";
import { unreadable } from "../options/option-fields.ts";
import { dateTimeMs, DEFAULT_MAX_ATOM_BYTES, describe } from "../atom/validation.ts";

/**
 * Copies a value deeply as JSON and freezes the copy: dates become ISO strings, `toJSON` is called, `undefined`
 * properties are left out. Later changes to the original do not affect the copy.
 *
 * @param maxBytes The largest size that could still be accepted; a value that is certainly larger is refused early.
 * @param depth The current depth of the value; negative for an envelope around values of maximum depth.
 * @throws {MemoryError} `invalid_input` for a value that JSON cannot hold.
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

/** The path of a value, converted to text only on demand, because most values are valid. */
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
    const copy = this.#takeForm(value, path, depth);
    this.#ancestors.pop();
    return copy;
  }

  #takeForm(value: object, path: Path, depth: number): JsonValue {
    switch (formOf(value, path)) {
      case "array":
        return this.#takeArray(value, path, depth);
      case "converting":
        return this.take(converted(value, path), path, depth + 1);
      case "record":
        return this.#takeRecord(value, path, depth);
      case "binary":
        throw invalidInput(`${path}`, "is binary data, which JSON cannot hold; convert it to base64 text first");
      case "other":
        throw invalidInput(`${path}`, `is ${describe(value)}, which JSON cannot hold; convert it to plain data first`);
    }
  }

  #takeArray(array: object, path: Path, depth: number): JsonValue {
    const length = Number(valueAt(array, "length", path));
    const copy: JsonValue[] = [];
    for (let index = 0; index < length; index++) {
      const itemPath = new Path(`[${index}]`, path);
      copy.push(this.take(valueAt(array, index, itemPath), itemPath, depth + 1));
    }
    Object.freeze(copy);
    return copy;
  }

  #takeRecord(object: object, path: Path, depth: number): JsonValue {
    const entries: [string, JsonValue][] = [];
    for (const key of keysOf(object, path)) {
      const itemPath = new Path(keyStep(key), path);
      const item = valueAt(object, key, itemPath);
      if (item === undefined) continue;
      this.#count(key.length + 3, path);
      entries.push([key, this.take(item, itemPath, depth + 1)]);
    }
    // `fromEntries` defines properties, so a key named __proto__ stays a key.
    return Object.freeze(Object.fromEntries(entries));
  }

  /** Counts a lower bound of the bytes, so that a small graph of shared references cannot grow without limit. */
  #count(bytes: number, path: Path): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#maxBytes) {
      throw invalidInput(`${path}`, `makes the atom larger than maxAtomBytes = ${this.#maxBytes} bytes of JSON`);
    }
  }
}

/** The form of an object in `JSON.stringify`; some of the forms are refused. */
type Form = "array" | "converting" | "record" | "binary" | "other";

function formOf(value: object, path: Path): Form {
  try {
    if (Array.isArray(value)) return "array";
    // Checked before `toJSON`, because a Buffer's `toJSON` returns about four characters per byte.
    if (ArrayBuffer.isView(value)) return "binary";
    const tag = Object.prototype.toString.call(value);
    if (tag === "[object ArrayBuffer]" || tag === "[object SharedArrayBuffer]") return "binary";
    if ("toJSON" in value && typeof value.toJSON === "function") return "converting";
    return tag === "[object Object]" ? "record" : "other";
  } catch (cause) {
    throw unreadable(`${path}`, cause);
  }
}

/** The result of the object's own `toJSON`. */
function converted(value: object, path: Path): unknown {
  if (Number.isNaN(dateTimeMs(value))) throw invalidInput(`${path}`, "is an invalid Date");
  const toJson = valueAt(value, "toJSON", path);
  try {
    return typeof toJson === "function" ? Reflect.apply(toJson, value, [""]) : undefined;
  } catch (cause) {
    throw unreadable(`${path}`, cause);
  }
}

function keysOf(object: object, path: Path): string[] {
  try {
    return Object.keys(object);
  } catch (cause) {
    throw unreadable(`${path}`, cause);
  }
}

function valueAt(object: object, key: string | number, path: Path): unknown {
  try {
    return Reflect.get(object, key);
  } catch (cause) {
    throw unreadable(`${path}`, cause);
  }
}
