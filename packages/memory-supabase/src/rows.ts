/** What the functions give and take. An entry is an array, in the order in which the function writes it. */
import type { AtomRow, MessageRow, SessionHead, Tombstone } from "@rivet/memory-core";
import { unreadableAnswer } from "./errors.ts";

/** A part of what was asked for, and whether there is more of it. */
export interface Page {
  readonly entries: readonly Entry[];
  readonly more: boolean;
}

export type Entry = readonly unknown[];

/** @throws {MemoryError} `unavailable` for anything else: something in between has answered. */
export function toPage(value: unknown): Page {
  const { entries, more } = objectOf(value);
  if (!Array.isArray(entries) || typeof more !== "boolean") throw unreadableAnswer();
  return { entries, more };
}

export function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) throw unreadableAnswer();
  return { ...value };
}

export function toAtomRow([sessionId, id, userId, memoryType, content, metadata, createdAtMs]: Entry): AtomRow {
  return {
    sessionId: text(sessionId),
    id: text(id),
    userId: text(userId),
    memoryType: text(memoryType),
    content: text(content),
    metadata: text(metadata),
    createdAtMs: number(createdAtMs),
  };
}

export function toMessageRow([id, memoryType, content, metadata, createdAtMs]: Entry): MessageRow {
  return {
    id: text(id),
    memoryType: text(memoryType),
    content: text(content),
    metadata: text(metadata),
    createdAtMs: number(createdAtMs),
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
    createdAtMs: number(createdAtMs),
    lastAtomId: text(lastAtomId),
    messageCount: number(messageCount),
    atomCount: number(atomCount),
    idXor: text(idXor),
    historyXor: text(historyXor),
    metadata: text(metadata),
    metadataIds: text(metadataIds),
  };
}

export function toTombstone([sessionId, id, deletedAtMs]: Entry): Tombstone {
  return { sessionId: text(sessionId), id: text(id), deletedAtMs: number(deletedAtMs) };
}

/** Rows as `rivet_write_atoms` takes them. */
export function givenAtoms(rows: readonly AtomRow[]): object[] {
  return rows.map(({ sessionId, id, userId, memoryType, content, metadata, createdAtMs }) => ({
    session_id: sessionId,
    id,
    user_id: userId,
    memory_type: memoryType,
    content,
    metadata,
    created_at_ms: createdAtMs,
  }));
}

export function givenTombstones(tombstones: readonly Tombstone[]): object[] {
  return tombstones.map(({ sessionId, id, deletedAtMs }) => ({
    session_id: sessionId,
    id,
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
