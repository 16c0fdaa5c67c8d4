/** Converts rows to parameters and back. Values are returned as text: content stays JSON text, as the core requires. */
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

/** A row as the driver returns it, with all values as text. */
export type TextRow = Readonly<Record<string, string | null>>;

/** An append to one session: the rows, the head of these rows alone, and the expected state of the session. */
export interface SessionAppend {
  readonly rows: readonly AtomRow[];
  readonly head: SessionHead;
  /** The known deletion count of the session. */
  readonly deletionCount: number;
  readonly expectedHistoryXor: string | undefined;
  readonly isMetadataSet: boolean;
}

/** Returns the values of `AppendStatements.toSession`. */
export function appendToSessionValues(append: SessionAppend): unknown[] {
  const { rows, head } = append;
  const { sessionId, userId, createdAtMs, messageCount, idXor } = head;
  const values = [sessionId, userId, timestampText(createdAtMs), messageCount, bitsOfId(idXor), ...givenValues(append)];
  for (const { id, memoryType, content, metadata, createdAtMs: timeMs } of rows)
    values.push(id, memoryType, content, metadata, timestampText(timeMs));
  return values;
}

/** Returns the values of `AppendStatements.manyToSession`. */
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

/** Returns the optional values of both statements. */
function givenValues({ head, expectedHistoryXor, isMetadataSet }: SessionAppend): string[] {
  const expected = expectedHistoryXor === undefined ? [] : [bitsOfId(expectedHistoryXor)];
  return isMetadataSet ? [...expected, head.metadata, head.metadataIds] : expected;
}

/** Whether any row expires. Messages do not, so the most frequent appends need no column for it. */
export function isExpirySet(rows: readonly AtomRow[]): boolean {
  return rows.some(({ expiresAtMs }) => expiresAtMs !== null);
}

/**
 * Returns the values of `AppendStatements.toSessions` for rows that are all new.
 *
 * @param deletionCountOf returns the known deletion count of a session.
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

/** Returns the columns of rows other than their sessions and users. */
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

/** A session as `lockHeads` returns it. */
export interface StoredHead {
  /** Undefined if the session has no atoms. */
  readonly head: SessionHead | undefined;
  /** The owner of the session, even if it has no atoms. */
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

/** Converts a row of `selectSession`. The row of the head is not a message; it stays a row. */
export function toStoredMessage([id, memoryType, content, metadata, createdAtMs]: TextValues): StoredMessage {
  return messageOf({
    id: present(id, "id"),
    memoryType: present(memoryType, "memoryType"),
    content: present(content, "content"),
    metadata: present(metadata, "metadata"),
    createdAtMs: roundedMs(present(createdAtMs, "createdAtMs")),
  });
}

/**
 * Reads a session from the rows of `selectSession`. The first row is the head, whose columns occupy those of a message.
 * A message that occurs twice counts once.
 */
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

/** Formats the 128 bits of an XOR of ids as a UUID: the inverse of `bitsOfId`. */
export function idOfBits(bits: string): string {
  const word = (start: number): number => Number.parseInt(bits.slice(start, start + 32), 2);
  return idOfWords(word(0), word(32), word(64), word(96));
}

/** Reads a time. The column is seconds times 1,000 in double precision, which may be off by less than a microsecond. */
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
  if (typeof value !== "string") throw new TypeError(`the column ${column} is missing in PostgreSQL's answer`);
  return value;
}
