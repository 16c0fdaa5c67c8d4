/**
 * Encodes array parameters in PostgreSQL's binary format, which pg uses for a Buffer. The server does not have to parse
 * them: with `unnest` in the list of columns, a statement of 32 turns takes 0.60 ms, compared with 0.79 ms for text to
 * split and cast.
 *
 * The formats are those of `array_recv` and of the elements' own `recv` functions, in PostgreSQL's
 * `src/backend/utils/adt`. `COPY BINARY` uses the same formats in all versions:
 * https://www.postgresql.org/docs/current/sql-copy.html
 */
import { hexDigitAt, MemoryError } from "@rivet/memory-core";

/** The object ids of the types in `pg_type`, which are the same in every server. */
const TYPE = { integer: 23, text: 25, timestamptz: 1184, bit: 1560, uuid: 2950, jsonb: 3802 } as const;

const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
const IS_NULL = -1;
const JSONB_VERSION = 1;
const ID_BITS = 128;
/** The maximum of UTF-8 bytes for one UTF-16 code unit. */
const MOST_BYTES_PER_UNIT = 3;

/** The encoding of the elements of a type. */
interface Element<Item> {
  readonly type: number;
  /** Returns an upper bound of an element's bytes. */
  readonly bytesOf: (item: Item) => number;
  /** @returns the offset of the element's end. */
  readonly write: (buffer: Buffer, item: Item, offset: number) => number;
}

const TEXT: Element<string> = {
  type: TYPE.text,
  bytesOf: (text) => text.length * MOST_BYTES_PER_UNIT,
  write: (buffer, text, offset) => offset + buffer.write(text, offset),
};

const JSONB: Element<string> = {
  type: TYPE.jsonb,
  bytesOf: (json) => 1 + TEXT.bytesOf(json),
  write: (buffer, json, offset) => TEXT.write(buffer, json, buffer.writeUInt8(JSONB_VERSION, offset)),
};

const UUID: Element<string> = {
  type: TYPE.uuid,
  bytesOf: () => ID_BITS / 8,
  write: writeId,
};

const BITS_OF_ID: Element<string> = {
  type: TYPE.bit,
  bytesOf: () => LENGTH_BYTES + ID_BITS / 8,
  write: (buffer, id, offset) => UUID.write(buffer, id, buffer.writeInt32BE(ID_BITS, offset)),
};

const INTEGER: Element<number> = {
  type: TYPE.integer,
  bytesOf: () => 4,
  write: (buffer, integer, offset) => buffer.writeInt32BE(integer, offset),
};

const TIMESTAMP: Element<number> = {
  type: TYPE.timestamptz,
  bytesOf: () => 8,
  write: (buffer, timeMs, offset) => buffer.writeBigInt64BE(microsecondsSince2000(timeMs), offset),
};

export const textArray = (texts: readonly string[]): Buffer => arrayOf(TEXT, texts);
/** @param texts the JSON texts. */
export const jsonbArray = (texts: readonly string[]): Buffer => arrayOf(JSONB, texts);
export const uuidArray = (ids: readonly string[]): Buffer => arrayOf(UUID, ids);
/** @param ids UUIDs or XORs of UUIDs, which are encoded as 128 bits. */
export const bitsArray = (ids: readonly string[]): Buffer => arrayOf(BITS_OF_ID, ids);
export const integerArray = (integers: readonly number[]): Buffer => arrayOf(INTEGER, integers);
export const timestampArray = (timesMs: readonly (number | null)[]): Buffer => arrayOf(TIMESTAMP, timesMs);

/** Memory that arrays are written into, one after the other. Separate memory for each array cost 8 µs a turn. */
let slab = { buffer: Buffer.alloc(0), used: 0 };
const SLAB_BYTES = 256 * 1_024;

/**
 * Encodes an array. It uses `forEach`, because `for…of` over arrays of so many kinds allocated an iterator result per
 * item: a tenth of the allocations of a save.
 */
function arrayOf<Item>({ type, bytesOf, write }: Element<Item>, items: readonly (Item | null)[]): Buffer {
  let bytes = HEADER_BYTES;
  items.forEach((item) => (bytes += LENGTH_BYTES + (item === null ? 0 : bytesOf(item))));
  if (bytes > slab.buffer.length - slab.used)
    slab = { buffer: Buffer.allocUnsafeSlow(Math.max(bytes, SLAB_BYTES)), used: 0 };
  const { buffer, used } = slab;
  let offset = writeHeader(buffer, used, type, items);
  items.forEach((item) => {
    const start = offset + LENGTH_BYTES;
    const end = item === null ? start : write(buffer, item, start);
    buffer.writeInt32BE(item === null ? IS_NULL : end - start, offset);
    offset = end;
  });
  slab.used = offset;
  return buffer.subarray(used, offset);
}

/** Writes the header of a one-dimensional array whose first index is 1. */
function writeHeader(buffer: Buffer, start: number, type: number, items: readonly unknown[]): number {
  const fields = [1, items.includes(null) ? 1 : 0, type, items.length, 1];
  return fields.reduce((offset, field) => buffer.writeInt32BE(field, offset), start);
}

const HYPHEN = "-".charCodeAt(0);
/** The form of a valid id. Without this check, characters other than digits would be written as zeros. */
const UUID_TEXT = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Writes an id digit by digit, which takes 0.05 µs; `replaceAll` and `write` take 0.17 µs. */
function writeId(buffer: Buffer, id: string, offset: number): number {
  if (!UUID_TEXT.test(id)) {
    const message = `an id is not a UUID in lower case: ${JSON.stringify(id.slice(0, 64))}`;
    throw new MemoryError({ code: "invalid_input", message, outcome: "not_applied" });
  }
  let end = offset;
  for (let index = 0; index < id.length; index += 2) {
    if (id.charCodeAt(index) === HYPHEN) index += 1;
    buffer[end++] = (hexDigitAt(id, index) << 4) | hexDigitAt(id, index + 1);
  }
  return end;
}

const YEAR_2000_MS = Date.UTC(2000);
/**
 * The earliest time sent. The least value of eight bytes means infinity; the server rejects the next one as out of
 * range.
 */
const EARLIEST = -(2n ** 63n) + 1n;

/**
 * Converts a time to microseconds. Like a Date it drops fractions of a millisecond, which a user's clock may return.
 */
function microsecondsSince2000(timeMs: number): bigint {
  const microseconds = BigInt(Math.trunc(timeMs) - YEAR_2000_MS) * 1_000n;
  return microseconds < EARLIEST ? EARLIEST : microseconds;
}
