/** Converts atoms to rows and back: the only place where names and JSON take the form that stores hold. */
import { SESSION_METADATA, roleOf, type MemoryAtom, type UnreadableAtom } from "./atom.ts";
import { invalidInput, MemoryError } from "../errors/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json/json.ts";
import { assertMessageContent, type Message, type MessageRole } from "../message/message.ts";
import { decodeText, encodeText, fromJsonText, isSameJson, shownText, toJsonText } from "./serialization.ts";
import { assertMetadataChange, type MetadataChange } from "../session/session-metadata.ts";
import type { AtomRow } from "../backend/atom-row.ts";
import type { AtomKey, MessageRow, StoredMessage } from "../backend/storage-hooks.ts";
import { assertName, isTimeMs } from "./validation.ts";

/** An atom that is checked and copied, ready to be serialised. */
export interface PlainAtom {
  readonly sessionId: string;
  readonly id: string;
  readonly userId: string;
  readonly memoryType: string;
  readonly content: JsonValue;
  readonly metadata: JsonObject;
  readonly createdAtMs: number;
  /** Default: null, never. */
  readonly expiresAtMs?: number | null;
}

/** @throws {MemoryError} `invalid_input` when the serialised atom exceeds the limit. */
export function encodeAtom(atom: PlainAtom, maxAtomBytes: number, path = "atom"): AtomRow {
  const row: AtomRow = {
    sessionId: encodeText(atom.sessionId),
    id: atom.id,
    userId: encodeText(atom.userId),
    memoryType: encodeText(atom.memoryType),
    content: toJsonText(atom.content),
    metadata: toJsonText(atom.metadata),
    createdAtMs: atom.createdAtMs,
    expiresAtMs: atom.expiresAtMs ?? null,
  };
  assertSize(row, maxAtomBytes, path);
  return row;
}

function assertSize(row: AtomRow, maxAtomBytes: number, path: string): void {
  const units = row.content.length + row.metadata.length;
  // A UTF-16 unit takes at most three bytes of UTF-8, so nearly every atom passes without being encoded.
  if (units * 3 <= maxAtomBytes) return;
  const encoder = new TextEncoder();
  const bytes = encoder.encode(row.content).length + encoder.encode(row.metadata).length;
  if (bytes > maxAtomBytes) {
    throw invalidInput(path, `takes ${bytes} bytes of JSON; maxAtomBytes allows ${maxAtomBytes}`);
  }
}

/** @throws {MemoryError} `corrupt` when {@link encodeAtom} cannot have written the row. */
export function decodeAtom(row: AtomRow): MemoryAtom {
  const content = decodeJson(row, "content");
  if (roleOf(row.memoryType) !== undefined) assertStored(row, () => assertMessageContent(content, "content"));
  if (row.memoryType === SESSION_METADATA) assertStored(row, () => assertMetadataChange(content, "content"));
  return {
    id: row.id,
    sessionId: decodeName(row, "sessionId"),
    userId: decodeName(row, "userId"),
    memoryType: decodeName(row, "memoryType"),
    content,
    metadata: decodeMetadata(row),
    createdAt: decodeDate(row, row.createdAtMs),
    ...(row.expiresAtMs === null ? {} : { expiresAt: decodeDate(row, row.expiresAtMs) }),
  };
}

/** @throws {MemoryError} `corrupt` when the row is not a message. */
export function decodeMessage(row: StoredText, role: MessageRole): Message {
  const content = decodeJson(row, "content");
  if (typeof content !== "string") {
    assertStored(row, () => assertMessageContent(content, "content"));
    deepFreeze(content);
  }
  const metadata = row.metadata === "{}" ? NO_METADATA : deepFreeze(decodeMetadata(row));
  // Checked above, in a closure that the compiler does not follow.
  const checked = content as Message["content"];
  return Object.freeze({ id: row.id, role, content: checked, metadata, createdAt: decodeDate(row, row.createdAtMs) });
}

/**
 * Decodes the message in a row, or returns the row itself if it cannot be read; the error is reported later, when the
 * session is known. A backend whose rows arrive one by one calls this for each row while the next ones are on their
 * way.
 */
export function messageOf(row: MessageRow): StoredMessage {
  const role = roleOf(row.memoryType);
  if (role === undefined) return row;
  try {
    return decodeMessage(row, role);
  } catch {
    return row;
  }
}

/** A message of a session, or undefined when the row cannot be read and went to `unreadable` instead. */
export function readMessage(
  stored: StoredMessage,
  head: Pick<AtomRow, "sessionId" | "userId">,
  unreadable: (atom: UnreadableAtom) => void,
): Message | undefined {
  const message = "role" in stored ? stored : messageOf(stored);
  if ("role" in message) return message;
  const role = roleOf(message.memoryType);
  if (role === undefined) return undefined;
  // Decodes again with the fields that an error needs; readable rows do not need them.
  const { sessionId, userId } = head;
  return decodeOr({ ...message, sessionId, userId, expiresAtMs: null }, (row) => decodeMessage(row, role), unreadable);
}

/** @throws {MemoryError} `corrupt` when the row is not a change of session metadata. */
export function decodeMetadataChange(row: AtomRow): MetadataChange {
  const { content } = decodeAtom(row);
  assertMetadataChange(content, "content");
  return content;
}

/** The fields of a row that decoding needs. */
type StoredText = MessageRow & Partial<Pick<AtomRow, "sessionId">>;

/** The metadata of most messages; shared because it is frozen. */
export const NO_METADATA: JsonObject = Object.freeze({});

function decodeName(row: AtomRow, column: "sessionId" | "userId" | "memoryType"): string {
  try {
    const name = decodeText(row[column]);
    assertName(name, column);
    return name;
  } catch (cause) {
    throw corrupt(row, `its ${column} is not stored as a valid name`, cause);
  }
}

function decodeMetadata(row: StoredText): JsonObject {
  if (row.metadata === "{}") return {};
  const metadata = decodeJson(row, "metadata");
  if (isJsonObject(metadata)) return metadata;
  throw corrupt(row, "its metadata is not a JSON object");
}

function decodeDate(row: StoredText, timeMs: number): Date {
  if (!isTimeMs(timeMs)) throw corrupt(row, "one of its times is not a time");
  return new Date(timeMs);
}

function decodeJson(row: StoredText, column: "content" | "metadata"): JsonValue {
  try {
    return fromJsonText(row[column]);
  } catch (cause) {
    throw corrupt(row, `its ${column} is not JSON in the stored form`, cause);
  }
}

function assertStored(row: StoredText, assert: () => void): void {
  try {
    assert();
  } catch (cause) {
    throw corrupt(row, MemoryError.isInstance(cause) ? cause.message : "its content has a different shape", cause);
  }
}

function corrupt(row: StoredText, problem: string, cause?: unknown): MemoryError {
  const sessionId = shownText(row.sessionId ?? "");
  return new MemoryError({
    code: "corrupt",
    message: `atom ${row.id} of session ${JSON.stringify(sessionId)} cannot be read: ${problem}; the stored text was not changed`,
    sessionId,
    atomId: row.id,
    cause,
  });
}

/** Returns the row unchanged, with the reason why it is not an atom. */
export function unreadableAtom(row: AtomRow, error: MemoryError): UnreadableAtom {
  return {
    sessionId: shownText(row.sessionId),
    id: row.id,
    userId: shownText(row.userId),
    memoryType: shownText(row.memoryType),
    contentText: row.content,
    metadataText: row.metadata,
    error,
  };
}

/** Runs a decoder. Passes a row that cannot be read to `unreadable`, and rethrows any other error. */
export function decodeOr<Value>(
  row: AtomRow,
  decode: (row: AtomRow) => Value,
  unreadable: (atom: UnreadableAtom) => void,
): Value | undefined {
  try {
    return decode(row);
  } catch (error) {
    if (!MemoryError.isInstance(error)) throw error;
    unreadable(unreadableAtom(row, error));
    return undefined;
  }
}

/** The error for stored rows that could not be read when no callback takes them. */
export function couldNotRead(first: UnreadableAtom, count: number): MemoryError {
  return new MemoryError({
    code: first.error.code,
    message: `${count} stored atoms could not be read; the first: ${first.error.message}. Pass onUnreadable to receive them instead of this error`,
    sessionId: first.sessionId,
    atomId: first.id,
    cause: first.error,
  });
}

/**
 * Whether a row has the same content as the stored row with its id: then the write is a repeat and changes nothing. The
 * creation time is informational and does not count.
 */
export function isSameAtom(stored: AtomRow, row: AtomRow): boolean {
  return (
    stored.userId === row.userId &&
    stored.memoryType === row.memoryType &&
    stored.expiresAtMs === row.expiresAtMs &&
    isSameJson(stored.content, row.content) &&
    isSameJson(stored.metadata, row.metadata)
  );
}

/**
 * The order of rows and tombstones in a write: by session, then by id, so that any two writes lock rows in the same
 * order.
 */
export function compareRows(left: AtomKey, right: AtomKey): number {
  if (left.sessionId !== right.sessionId) return left.sessionId < right.sessionId ? -1 : 1;
  if (left.id !== right.id) return left.id < right.id ? -1 : 1;
  return 0;
}

function deepFreeze<Value extends JsonValue>(value: Value): Value {
  if (typeof value === "object" && value !== null) {
    for (const item of Object.values(value)) deepFreeze(item);
    Object.freeze(value);
  }
  return value;
}
