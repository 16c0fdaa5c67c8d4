import assert from "node:assert/strict";
import {
  MemoryError,
  ownerOf,
  Session,
  type AtomRow,
  type Facts,
  type MemoryErrorCode,
  type MessageContent,
} from "@rivet/memory-core";
import type { AnyStorage } from "./suite.ts";

export const USER = "user-1";
export const OTHER_USER = "user-2";

/** A session of the usual user, not saved yet. */
export function newSession(storage: AnyStorage, sessionId?: string): Session {
  return new Session({ userId: USER, storage, sessionId });
}

/** A saved session with `messages` user messages: `message 0`, `message 1`, … */
export async function savedSession(storage: AnyStorage, messages: number, sessionId?: string): Promise<Session> {
  const session = newSession(storage, sessionId);
  for (let index = 0; index < messages; index++) session.addUserMessage(`message ${index}`);
  await session.save();
  return session;
}

/** The contents `message <start>` to `message <end - 1>`, as {@link savedSession} writes them. */
export function numbered(start: number, end: number): string[] {
  return Array.from({ length: end - start }, (_, index) => `message ${start + index}`);
}

export function contents(session: Session | null): MessageContent[] {
  assert.ok(session, "the session is there");
  return session.history.messages().map(({ content }) => content);
}

/** Two objects of one stored session, as two writers would load them. */
export async function loadTwice(storage: AnyStorage, sessionId: string): Promise<[Session, Session]> {
  const left = await storage.loadSession(sessionId);
  const right = await storage.loadSession(sessionId);
  assert.ok(left && right);
  return [left, right];
}

/** The stored contents of a session. */
export async function storedContents(storage: AnyStorage, sessionId: string): Promise<MessageContent[]> {
  return contents(await storage.loadSession(sessionId));
}

/** More than any case stores: a stream with more items is endless. */
const MAX_COLLECTED = 10_000;

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) {
    assert.ok(collected.push(item) <= MAX_COLLECTED, "the stream comes to an end");
  }
  return collected;
}

/** An atom of type `log` of the usual user. */
export function logAtom<Content>(
  sessionId: string,
  content: Content,
): { sessionId: string; userId: string; memoryType: "log"; content: Content } {
  return { sessionId, userId: USER, memoryType: "log", content };
}

/** Checks that a promise fails with a `MemoryError` of the code, and returns it. */
export async function failsWith(promise: Promise<unknown>, code: MemoryErrorCode): Promise<MemoryError> {
  const error = await promise.then(
    () => assert.fail(`expected ${code}, but it succeeded`),
    (reason: unknown) => reason,
  );
  assert.ok(MemoryError.isInstance(error), `expected a MemoryError of code ${code}, got ${String(error)}`);
  assert.equal(error.code, code, error.message);
  return error;
}

/** An atom row of type `log`, as another store sends it. */
export function rowOf(storage: AnyStorage, sessionId: string, content = '"late"', userId = USER): AtomRow {
  const id = storage.clock.next();
  return {
    sessionId,
    id,
    userId,
    memoryType: "log",
    content,
    metadata: "{}",
    createdAtMs: Date.UTC(2026, 0),
    expiresAtMs: null,
  };
}

/** Facts of another store. Tombstones belong to the usual user, unless an owner is given. */
export function facts(
  rows: readonly AtomRow[],
  ...tombstones: readonly [sessionId: string, id: string, owner?: string][]
): Facts {
  const deletedAtMs = Date.UTC(2026, 1);
  return {
    rows,
    tombstones: tombstones.map(([sessionId, id, owner = ownerOf(USER)]) => ({ sessionId, id, owner, deletedAtMs })),
  };
}

export async function rowsOf(storage: AnyStorage, sessionId: string): Promise<readonly AtomRow[]> {
  return storage.replica.atomsAfter(sessionId, undefined, 1_000);
}
