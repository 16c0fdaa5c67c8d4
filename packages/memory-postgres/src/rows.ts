/** Rows on their way to PostgreSQL and back. Values come back as text: content stays JSON text, as the core wants it. */
import {
  bySession,
  headAfterInsert,
  idOfNumber,
  NIL_ID,
  type AtomRow,
  type ExpiredAtom,
  type MessageRow,
  type SessionHead,
  type SessionRow,
} from "@rivet/memory-core";
import { bitsOfId } from "@rivet/postgres-schema";
import { TEXT_SEPARATOR } from "./statements/append.ts";
import { timestampText } from "./timestamps.ts";

/** A row as the driver gives it, all values being text. */
export type TextRow = Readonly<Record<string, string | null>>;

/** What is appended to one session: rows, the head that they make by themselves, and what is to be found there. */
export interface SessionAppend {
  readonly rows: readonly AtomRow[];
  readonly head: SessionHead;
  /** How many deletions the session is known to have seen. */
  readonly deletionCount: number;
  readonly expectedHistoryXor: string | undefined;
  readonly isMetadataSet: boolean;
}

/** The values of `AppendStatements.toSession`. */
export function appendToSessionValues(append: SessionAppend): unknown[] {
  const { rows, head } = append;
  const { sessionId, userId, createdAtMs, messageCount, idXor } = head;
  const values = [sessionId, userId, timestampText(createdAtMs), messageCount, bitsOfId(idXor), ...givenValues(append)];
  for (const { id, memoryType, content, metadata, createdAtMs: timeMs } of rows)
    values.push(id, memoryType, content, metadata, timestampText(timeMs));
  return values;
}

/** The values of `AppendStatements.manyToSession`. */
export function appendManyToSessionValues(append: SessionAppend): unknown[] {
  const { rows, head, deletionCount } = append;
  return [
    head.sessionId,
    head.userId,
    timestampText(head.createdAtMs),
    head.lastAtomId,
    head.messageCount,
    head.atomCount,
    deletionCount,
    bitsOfId(head.idXor),
    bitsOfId(head.historyXor),
    ...givenValues(append),
    atomsJson(rows),
  ];
}

/** The values of both that are not always there. */
function givenValues({ head, expectedHistoryXor, isMetadataSet }: SessionAppend): string[] {
  const expected = expectedHistoryXor === undefined ? [] : [bitsOfId(expectedHistoryXor)];
  return isMetadataSet ? [...expected, head.metadata, head.metadataIds] : expected;
}

/** Whether any row expires. Messages do not: what is appended most needs no column for it. */
export function isExpirySet(rows: readonly AtomRow[]): boolean {
  return rows.some(({ expiresAtMs }) => expiresAtMs !== null);
}

function expiryText({ expiresAtMs }: AtomRow): string | null {
  return expiresAtMs === null ? null : timestampText(expiresAtMs);
}

/** Content and metadata are JSON text already, and are not parsed to be written again. */
function atomsJson(rows: readonly AtomRow[]): string {
  const objects = rows.map((row) => {
    const { id, memoryType, content, metadata, createdAtMs, expiresAtMs } = row;
    const expiry = expiresAtMs === null ? "" : `,"expires_at":"${timestampText(expiresAtMs)}"`;
    return `{"id":"${id}","memory_type":${JSON.stringify(memoryType)},"content":${content},"metadata":${metadata},"created_at":"${timestampText(createdAtMs)}"${expiry}}`;
  });
  return `[${objects.join(",")}]`;
}

/**
 * The values of `AppendStatements.toSessions` for rows that are all new.
 *
 * @param deletionCountOf how many deletions a session has seen.
 */
export function appendToSessionsValues(
  rows: readonly AtomRow[],
  deletionCountOf: (sessionId: string) => number,
  isMetadataSet: boolean,
): unknown[] {
  const heads = bySession(rows).map((group) => headAfterInsert(undefined, group));
  return [
    rows.map((row) => row.sessionId),
    joined(rows, (row) => row.id),
    rows.map((row) => row.userId),
    rows.map((row) => row.memoryType),
    joined(rows, (row) => row.content),
    joined(rows, (row) => row.metadata),
    joined(rows, (row) => timestampText(row.createdAtMs)),
    heads.map((head) => head.sessionId),
    heads.map((head) => head.userId),
    joined(heads, (head) => timestampText(head.createdAtMs)),
    joined(heads, (head) => head.lastAtomId),
    heads.map((head) => head.messageCount),
    heads.map((head) => head.atomCount),
    heads.map((head) => deletionCountOf(head.sessionId)),
    joined(heads, (head) => bitsOfId(head.idXor)),
    joined(heads, (head) => bitsOfId(head.historyXor)),
    ...(isMetadataSet ? [joined(heads, (head) => head.metadata), joined(heads, (head) => head.metadataIds)] : []),
    ...(isExpirySet(rows) ? [rows.map(expiryText)] : []),
  ];
}

function joined<Item>(items: readonly Item[], textOf: (item: Item) => string): string {
  return items.map(textOf).join(TEXT_SEPARATOR);
}

export function toAtomRow(row: TextRow): AtomRow {
  const expiresAtMs = row["expiresAtMs"] === null ? null : milliseconds(row, "expiresAtMs");
  return { sessionId: text(row, "sessionId"), userId: text(row, "userId"), ...toMessageRow(row), expiresAtMs };
}

export function toExpiredAtom(row: TextRow): ExpiredAtom {
  const expiresAtMs = milliseconds(row, "expiresAtMs");
  return { sessionId: text(row, "sessionId"), id: text(row, "id"), memoryType: text(row, "memoryType"), expiresAtMs };
}

function toMessageRow(row: TextRow): MessageRow {
  return {
    id: text(row, "id"),
    memoryType: text(row, "memoryType"),
    content: text(row, "content"),
    metadata: text(row, "metadata"),
    createdAtMs: milliseconds(row),
  };
}

export function toSessionHead(row: TextRow): SessionHead {
  return {
    sessionId: text(row, "sessionId"),
    userId: text(row, "userId"),
    createdAtMs: milliseconds(row),
    lastAtomId: text(row, "lastAtomId"),
    messageCount: Number(text(row, "messageCount")),
    atomCount: Number(text(row, "atomCount")),
    idXor: idOfBits(text(row, "idXor")),
    historyXor: idOfBits(text(row, "historyXor")),
    metadata: text(row, "metadata"),
    metadataIds: text(row, "metadataIds"),
  };
}

/** What `lockHeads` says of a session. */
export interface StoredHead {
  /** Undefined when the session has no atoms. */
  readonly head: SessionHead | undefined;
  readonly deletionCount: number;
}

export function toStoredHead(row: TextRow): StoredHead {
  return {
    head: text(row, "atomCount") === "0" ? undefined : toSessionHead(row),
    deletionCount: Number(text(row, "deletionCount")),
  };
}

/** What `selectSession` gave: its first row is the head, with its own columns in those of a message. */
export function toSessionRow(sessionId: string, [first, ...messages]: readonly TextRow[]): SessionRow | undefined {
  if (first === undefined || text(first, "id") !== NIL_ID) return undefined;
  const [lastAtomId = "", messageCount = "", atomCount = "", idXor = "", historyXor = "", ...userId] = text(
    first,
    "memoryType",
  ).split(" ");
  const head = toSessionHead({
    sessionId,
    userId: userId.join(" "),
    lastAtomId,
    messageCount,
    atomCount,
    idXor,
    historyXor,
    metadata: text(first, "metadata"),
    metadataIds: text(first, "content"),
    createdAtMs: text(first, "createdAtMs"),
  });
  return { head, messages: messages.map(toMessageRow) };
}

/** The 128 bits of an XOR of ids, in the form of a UUID: the inverse of `bitsOfId`. */
export function idOfBits(bits: string): string {
  return idOfNumber(BigInt(`0b${bits}`));
}

/** The column is seconds times 1,000 in double precision, which may be off by less than a microsecond. */
export function milliseconds(row: TextRow, column = "createdAtMs"): number {
  return Math.round(Number(text(row, column)));
}

export function text(row: TextRow, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw new TypeError(`the column ${column} is missing in what PostgreSQL answered`);
  return value;
}
