/** Rows on their way to PostgreSQL and back. Values come back as text: content stays JSON text, as the core wants it. */
import type { TextValues } from "@rivet/db-manager";
import {
  bySession,
  CLAIM_OF_DELETED,
  headAfterInsert,
  idOfWords,
  messageOf,
  NIL_ID,
  UNCLAIMED,
  type AtomRow,
  type ExpiredAtom,
  type SessionClaim,
  type SessionHead,
  type SessionRow,
  type StoredMessage,
} from "@rivet/memory-core";
import { bitsOfId } from "@rivet/postgres-schema";
import { bitsArray, integerArray, jsonbArray, textArray, timestampArray, uuidArray } from "./binary-arrays.ts";
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
    ...atomArrays(rows),
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
    textArray(rows.map((row) => row.sessionId)),
    textArray(rows.map((row) => row.userId)),
    ...atomArrays(rows),
    textArray(heads.map((head) => head.sessionId)),
    textArray(heads.map((head) => head.userId)),
    timestampArray(heads.map((head) => head.createdAtMs)),
    uuidArray(heads.map((head) => head.lastAtomId)),
    integerArray(heads.map((head) => head.messageCount)),
    integerArray(heads.map((head) => head.atomCount)),
    integerArray(heads.map((head) => deletionCountOf(head.sessionId))),
    bitsArray(heads.map((head) => head.idXor)),
    bitsArray(heads.map((head) => head.historyXor)),
    ...(isMetadataSet
      ? [jsonbArray(heads.map((head) => head.metadata)), jsonbArray(heads.map((head) => head.metadataIds))]
      : []),
  ];
}

/** The columns of rows, beside their sessions and users. */
function atomArrays(rows: readonly AtomRow[]): Buffer[] {
  return [
    uuidArray(rows.map((row) => row.id)),
    textArray(rows.map((row) => row.memoryType)),
    jsonbArray(rows.map((row) => row.content)),
    jsonbArray(rows.map((row) => row.metadata)),
    timestampArray(rows.map((row) => row.createdAtMs)),
    ...(isExpirySet(rows) ? [timestampArray(rows.map((row) => row.expiresAtMs))] : []),
  ];
}

export function toAtomRow(row: TextRow): AtomRow {
  return {
    sessionId: text(row, "sessionId"),
    userId: text(row, "userId"),
    id: text(row, "id"),
    memoryType: text(row, "memoryType"),
    content: text(row, "content"),
    metadata: text(row, "metadata"),
    createdAtMs: milliseconds(row),
    expiresAtMs: row["expiresAtMs"] === null ? null : milliseconds(row, "expiresAtMs"),
  };
}

export function toExpiredAtom(row: TextRow): ExpiredAtom {
  const expiresAtMs = milliseconds(row, "expiresAtMs");
  return { sessionId: text(row, "sessionId"), id: text(row, "id"), memoryType: text(row, "memoryType"), expiresAtMs };
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
  /** Whose it is, also without atoms. */
  readonly claim: SessionClaim;
  readonly deletionCount: number;
}

export function toStoredHead(row: TextRow): StoredHead {
  return {
    head: text(row, "atomCount") === "0" ? undefined : toSessionHead(row),
    claim: toClaim(row),
    deletionCount: Number(text(row, "deletionCount")),
  };
}

function toClaim(row: TextRow): SessionClaim {
  if (row["isDeleted"] === "t") return CLAIM_OF_DELETED;
  const userId = text(row, "userId");
  return userId === "" ? UNCLAIMED : { userId, isDeleted: false };
}

/** A row of what `selectSession` gives: a message, or the head, which is none and stays a row. */
export function toStoredMessage([id, memoryType, content, metadata, createdAtMs]: TextValues): StoredMessage {
  return messageOf({
    id: present(id, "id"),
    memoryType: present(memoryType, "memoryType"),
    content: present(content, "content"),
    metadata: present(metadata, "metadata"),
    createdAtMs: roundedMs(present(createdAtMs, "createdAtMs")),
  });
}

/** The session in the rows of `selectSession`: the first row is the head, with its own columns in those of a message. A message that comes twice is one. */
export function toSessionRow(
  sessionId: string,
  [first, ...messages]: readonly StoredMessage[],
): SessionRow | undefined {
  if (first === undefined || "role" in first || first.id !== NIL_ID) return undefined;
  const [lastAtomId = "", messageCount = "", atomCount = "", idXor = "", historyXor = "", ...userId] =
    first.memoryType.split(" ");
  const head = toSessionHead({
    sessionId,
    userId: userId.join(" "),
    lastAtomId,
    messageCount,
    atomCount,
    idXor,
    historyXor,
    metadata: first.metadata,
    metadataIds: first.content,
    createdAtMs: String(first.createdAtMs),
  });
  return { head, messages: messages.filter(({ id }, index) => id !== messages[index - 1]?.id) };
}

/** The 128 bits of an XOR of ids, in the form of a UUID: the inverse of `bitsOfId`. */
export function idOfBits(bits: string): string {
  const word = (start: number): number => Number.parseInt(bits.slice(start, start + 32), 2);
  return idOfWords(word(0), word(32), word(64), word(96));
}

/** The column is seconds times 1,000 in double precision, which may be off by less than a microsecond. */
export function milliseconds(row: TextRow, column = "createdAtMs"): number {
  return roundedMs(text(row, column));
}

function roundedMs(milliseconds: string): number {
  return Math.round(Number(milliseconds));
}

export function text(row: TextRow, column: string): string {
  return present(row[column], column);
}

function present(value: string | null | undefined, column: string): string {
  if (typeof value !== "string") throw new TypeError(`the column ${column} is missing in what PostgreSQL answered`);
  return value;
}
