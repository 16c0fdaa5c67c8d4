/**
 * The archive: a file of JSON Lines that holds all of a store. `docs/archive-format.md` specifies it.
 *
 * ```
 * {"format":"rivet-memory archive","version":2}
 * {"tombstone":{"sessionId":…,"id":…,"owner":…,"deletedAtMs":…}}
 * {"atom":{"sessionId":…,"id":…,"userId":…,"memoryType":…,"createdAtMs":…,"content":…,"metadata":…}}
 * {"block":1,"lines":2,"sha256":…}
 * {"end":{"atoms":1,"tombstones":1},"sha256":…}
 * ```
 */
import {
  canonicalJson,
  isOwner,
  isNestedDeeper,
  MAX_NESTING,
  MAX_STORED_NESTING,
  MemoryError,
  parseJson,
  SESSION_METADATA,
  UNKNOWN_OWNER,
  type AtomRow,
  type JsonObject,
  type JsonValue,
  type Tombstone,
} from "@rivet/memory-core";

/** The version that this program writes. In version 1 tombstones had no owners; it is still read. */
export const VERSION = 2;

export const HEADER = `{"format":"rivet-memory archive","version":${VERSION}}`;

/** The most lines of facts that a block has. */
export const BLOCK_LINES = 500;

export type Fact = { readonly row: AtomRow } | { readonly tombstone: Tombstone };

/** One line, the same for the same fact whatever store it comes from: keys sorted, no spacing. */
export function factLine(fact: Fact): string {
  if ("tombstone" in fact) {
    const { sessionId, id, owner, deletedAtMs } = fact.tombstone;
    const owned = owner === UNKNOWN_OWNER ? "" : `"owner":"${owner}",`;
    return `{"tombstone":{"sessionId":${JSON.stringify(sessionId)},"id":"${id}",${owned}"deletedAtMs":${deletedAtMs}}}`;
  }
  const { sessionId, id, userId, memoryType, createdAtMs, expiresAtMs, content, metadata } = fact.row;
  const expiry = expiresAtMs === null ? "" : `"expiresAtMs":${expiresAtMs},`;
  return `{"atom":{"sessionId":${JSON.stringify(sessionId)},"id":"${id}","userId":${JSON.stringify(userId)},"memoryType":${JSON.stringify(memoryType)},"createdAtMs":${createdAtMs},${expiry}"content":${canonicalJson(content)},"metadata":${canonicalJson(metadata)}}}`;
}

export function blockLine(block: number, lines: number, sha256: string): string {
  return `{"block":${block},"lines":${lines},"sha256":"${sha256}"}`;
}

export interface Totals {
  readonly atoms: number;
  readonly tombstones: number;
}

export function endLine({ atoms, tombstones }: Totals, sha256: string): string {
  return `{"end":{"atoms":${atoms},"tombstones":${tombstones}},"sha256":"${sha256}"}`;
}

/** A file that is not what it should be, and where. */
export function damaged(line: number, problem: string): MemoryError {
  return new MemoryError({ code: "corrupt", message: `line ${line} ${problem}`, operation: "import" });
}

export type Line =
  | { readonly kind: "fact"; readonly fact: Fact }
  | { readonly kind: "block"; readonly block: number; readonly lines: number; readonly sha256: string }
  | { readonly kind: "end"; readonly totals: Totals; readonly sha256: string };

/** Around a value stand the object of the atom and that of the line. */
const MAX_LINE_NESTING = MAX_STORED_NESTING + 2;

/** @throws {MemoryError} `corrupt` with the number of the line, for one that is none of the format. */
export function parseLine(text: string, number: number): Line {
  let value: JsonValue;
  try {
    value = parseJson(text, MAX_LINE_NESTING);
  } catch (error) {
    throw damaged(
      number,
      error instanceof Error && /nested/.test(error.message) ? `is ${error.message}` : "is no JSON",
    );
  }
  const fields = new Fields(value, number);
  if (fields.has("atom")) return { kind: "fact", fact: { row: rowOf(fields.object("atom")) } };
  if (fields.has("tombstone")) return { kind: "fact", fact: { tombstone: tombstoneOf(fields.object("tombstone")) } };
  if (fields.has("block")) {
    const block = { block: fields.integer("block"), lines: fields.integer("lines"), sha256: fields.text("sha256") };
    return { kind: "block", ...fields.all(block) };
  }
  const end = fields.object("end");
  const totals = end.all({ atoms: end.integer("atoms"), tombstones: end.integer("tombstones") });
  return { kind: "end", ...fields.all({ end: 0, sha256: fields.text("sha256") }), totals };
}

function rowOf(atom: Fields): AtomRow {
  const memoryType = atom.text("memoryType");
  return atom.all({
    sessionId: atom.text("sessionId"),
    id: atom.id("id"),
    userId: atom.text("userId"),
    memoryType,
    createdAtMs: atom.number("createdAtMs"),
    expiresAtMs: atom.has("expiresAtMs") ? atom.number("expiresAtMs") : null,
    content: atom.json("content", memoryType === SESSION_METADATA ? MAX_STORED_NESTING : MAX_NESTING),
    metadata: JSON.stringify(atom.object("metadata").fields),
  });
}

function tombstoneOf(tombstone: Fields): Tombstone {
  return tombstone.all({
    sessionId: tombstone.text("sessionId"),
    id: tombstone.id("id"),
    owner: tombstone.has("owner") ? tombstone.owner("owner") : UNKNOWN_OWNER,
    deletedAtMs: tombstone.number("deletedAtMs"),
  });
}

/** The fields of one JSON object of a line. */
class Fields {
  readonly fields: JsonObject;
  readonly #line: number;

  constructor(value: JsonValue, line: number) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw damaged(line, "is no object");
    this.fields = value;
    this.#line = line;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.fields, name);
  }

  value(name: string): JsonValue {
    const value = this.has(name) ? this.fields[name] : undefined;
    if (value === undefined) throw damaged(this.#line, `has no ${name}`);
    return value;
  }

  object(name: string): Fields {
    return new Fields(this.value(name), this.#line);
  }

  json(name: string, maxNesting: number): string {
    const text = JSON.stringify(this.value(name));
    if (isNestedDeeper(text, maxNesting)) throw damaged(this.#line, `is nested deeper than ${maxNesting} levels`);
    return text;
  }

  text(name: string): string {
    const value = this.value(name);
    if (typeof value !== "string" || value === "") throw damaged(this.#line, `has a ${name} that is no text`);
    return value;
  }

  id(name: string): string {
    const id = this.text(name);
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id))
      throw damaged(this.#line, `has an ${name} that is no UUID`);
    return id;
  }

  owner(name: string): string {
    const owner = this.text(name);
    if (!isOwner(owner)) throw damaged(this.#line, `has an ${name} that is no SHA-256 in lower case`);
    return owner;
  }

  number(name: string): number {
    const value = this.value(name);
    if (typeof value !== "number") throw damaged(this.#line, `has a ${name} that is no number`);
    return value;
  }

  integer(name: string): number {
    const value = this.number(name);
    if (!Number.isSafeInteger(value) || value < 0) throw damaged(this.#line, `has a ${name} that is no count`);
    return value;
  }

  /**
   * Returns the fields that were read, after a check that there are no others: a field that this version does not know
   * would be lost.
   */
  all<Read extends object>(read: Read): Read {
    const unknown = Object.keys(this.fields).find((name) => !Object.hasOwn(read, name));
    if (unknown !== undefined)
      throw damaged(this.#line, `has a field ${JSON.stringify(unknown)} that this version does not know`);
    return read;
  }
}
