/**
 * The values that functions accept and return. An entry is a list of values, in the order of the function's columns.
 */
import type { AtomRow, ExpiredAtom, MessageRow, SessionHead, Tombstone } from "@rivet/memory-core";
import { unreadableAnswer } from "./errors.ts";

/** A part of what was asked for, and whether there is more of it. */
export interface Page {
  readonly entries: readonly Entry[];
  readonly more: boolean;
}

export type Entry = readonly unknown[];

/** @throws {MemoryError} `unavailable` for anything else: something in between has answered. */
export function toPage(value: unknown): Page {
  const { columns, more } = objectOf(value);
  if (!Array.isArray(columns) || !columns.every(Array.isArray) || typeof more !== "boolean") throw unreadableAnswer();
  const [first = []] = columns;
  return { entries: first.map((_, row) => columns.map((column) => column[row])), more };
}

export function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) throw unreadableAnswer();
  return { ...value };
}

export function toAtomRow([sessionId, userId, expiresAtMs, ...message]: Entry): AtomRow {
  return {
    sessionId: text(sessionId),
    userId: text(userId),
    ...toMessageRow(message),
    expiresAtMs: expiresAtMs === null ? null : milliseconds(expiresAtMs),
  };
}

export function toExpiredAtom([sessionId, id, memoryType, expiresAtMs]: Entry): ExpiredAtom {
  return {
    sessionId: text(sessionId),
    id: text(id),
    memoryType: text(memoryType),
    expiresAtMs: milliseconds(expiresAtMs),
  };
}

export function toMessageRow([id, memoryType, content, metadata, createdAtMs]: Entry): MessageRow {
  return {
    id: text(id),
    memoryType: text(memoryType),
    content: text(content),
    metadata: text(metadata),
    createdAtMs: milliseconds(createdAtMs),
  };
}

export function toSessionHead(entry: unknown): SessionHead {
  if (!Array.isArray(entry)) throw unreadableAnswer();
  const [
    sessionId,
    userId,
    createdAtMs,
    lastAtomId,
    messageCount,
    atomCount,
    idXor,
    historyXor,
    metadata,
    metadataIds,
  ] = entry as Entry;
  return {
    sessionId: text(sessionId),
    userId: text(userId),
    createdAtMs: milliseconds(createdAtMs),
    lastAtomId: text(lastAtomId),
    messageCount: number(messageCount),
    atomCount: number(atomCount),
    idXor: text(idXor),
    historyXor: text(historyXor),
    metadata: text(metadata),
    metadataIds: text(metadataIds),
  };
}

export function toTombstone([sessionId, id, owner, deletedAtMs]: Entry): Tombstone {
  return { sessionId: text(sessionId), id: text(id), owner: text(owner), deletedAtMs: milliseconds(deletedAtMs) };
}

/** The number of atoms that a save has written, and the new version of the history. */
export function toVersion(value: unknown): { written: number; historyXor: string } {
  const { written, historyXor } = objectOf(value);
  return { written: number(written), historyXor: text(historyXor) };
}

/** Rows as the functions that write take them; of a session that is saved, without what they have in common. */
export function givenAtoms(rows: readonly AtomRow[], isSessionGiven: boolean): object[] {
  return rows.map(({ sessionId, id, userId, memoryType, content, metadata, createdAtMs, expiresAtMs }) => ({
    ...(isSessionGiven ? {} : { session_id: sessionId, user_id: userId }),
    id,
    memory_type: memoryType,
    content,
    metadata,
    created_at_ms: createdAtMs,
    ...(expiresAtMs === null ? {} : { expires_at_ms: expiresAtMs }),
  }));
}

export function givenTombstones(tombstones: readonly Tombstone[]): object[] {
  return tombstones.map(({ sessionId, id, owner, deletedAtMs }) => ({
    session_id: sessionId,
    id,
    owner,
    deleted_at_ms: deletedAtMs,
  }));
}

export function text(value: unknown): string {
  if (typeof value !== "string") throw unreadableAnswer();
  return value;
}

export function number(value: unknown): number {
  if (typeof value !== "number") throw unreadableAnswer();
  return value;
}

/** They come as seconds times 1,000 in double precision. */
function milliseconds(value: unknown): number {
  return Math.round(number(value));
}
