/** A session as JSON, for a queue, a cache or another process. */
import { decodeAtom, encodeAtom } from "./atom-codec.ts";
import { isHistoryType, roleOf } from "./atom.ts";
import type { AtomClock } from "./atom-id.ts";
import { invalidInput } from "./errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "./json.ts";
import { assertMessageContent, isMessageRole, type Message, type MessageContent, type MessageRole } from "./message.ts";
import { SessionLog } from "./session-log.ts";
import { assertMetadataChange } from "./session-metadata.ts";
import type { AtomRow } from "./storage-hooks.ts";
import { snapshotJsonObject } from "./snapshot.ts";
import { assertName, parseAtomId } from "./validation.ts";

/** What `session.toJSON()` gives. Times are ISO strings. */
export interface SessionData {
  sessionId: string;
  userId: string;
  createdAt: string;
  lastActive: string;
  metadata: JsonObject;
  messages: { id: string; role: MessageRole; content: MessageContent; metadata: JsonObject; createdAt: string }[];
  /** What no store has acknowledged yet, and where this object stands against the store. */
  unsaved: {
    atoms: { id: string; memoryType: string; content: JsonValue; metadata: JsonObject; createdAt: string }[];
    clearThroughId: string | null;
    historyXor: string;
    loadedFromId: string | null;
  };
}

/** Levels around the deepest values: `data.unsaved.atoms[0].content.set.key`. */
const ENVELOPE_LEVELS = 6;

export function logToData(log: SessionLog, createdAtMs: number): SessionData {
  log.freezeMetadataChange();
  return {
    sessionId: log.sessionId,
    userId: log.userId,
    createdAt: isoTime(createdAtMs),
    lastActive: isoTime(Math.max(createdAtMs, log.lastActiveMs)),
    metadata: log.metadata,
    messages: log.messages.map((message) => ({ ...message, createdAt: message.createdAt.toISOString() })),
    unsaved: {
      atoms: log.unsaved.map(decodeAtom).map(({ id, memoryType, content, metadata, createdAt }) => ({
        id,
        memoryType,
        content,
        metadata,
        createdAt: createdAt.toISOString(),
      })),
      clearThroughId: log.clearThroughId ?? null,
      historyXor: log.historyXor,
      loadedFromId: log.loadedFromId ?? null,
    },
  };
}

/** @throws {MemoryError} `invalid_input` with the path of what {@link logToData} cannot have written. */
export function logFromData(
  data: unknown,
  clock: AtomClock,
  maxAtomBytes?: number,
): { log: SessionLog; createdAtMs: number } {
  const source = snapshotJsonObject(data, "data", Number.POSITIVE_INFINITY, -ENVELOPE_LEVELS);
  const { sessionId, userId } = source;
  assertName(sessionId, "data.sessionId");
  assertName(userId, "data.userId");
  const unsaved = objectAt(source["unsaved"], "data.unsaved");
  const log = new SessionLog(sessionId, userId, clock, maxAtomBytes);
  log.restore(
    arrayAt(source["messages"], "data.messages").map((item, index) => messageAt(item, `data.messages[${index}]`)),
    objectAt(source["metadata"], "data.metadata"),
    {
      unsaved: arrayAt(unsaved["atoms"], "data.unsaved.atoms").map((item, index) =>
        atomAt(item, `data.unsaved.atoms[${index}]`, log),
      ),
      historyXor: stringAt(unsaved["historyXor"], "data.unsaved.historyXor"),
      loadedFromId: optionalIdAt(unsaved["loadedFromId"], "data.unsaved.loadedFromId"),
      clearThroughId: optionalIdAt(unsaved["clearThroughId"], "data.unsaved.clearThroughId"),
    },
    timeAt(source["lastActive"], "data.lastActive"),
  );
  return { log, createdAtMs: timeAt(source["createdAt"], "data.createdAt") };
}

function messageAt(value: JsonValue, path: string): Message {
  const source = objectAt(value, path);
  const { role, content = null } = source;
  if (!isMessageRole(role)) throw invalidInput(`${path}.role`, "is not a role");
  assertMessageContent(content, `${path}.content`);
  return Object.freeze({
    id: parseAtomId(source["id"], `${path}.id`),
    role,
    content,
    metadata: objectAt(source["metadata"], `${path}.metadata`),
    createdAt: new Date(timeAt(source["createdAt"], `${path}.createdAt`)),
  });
}

function atomAt(value: JsonValue, path: string, log: SessionLog): AtomRow {
  const source = objectAt(value, path);
  const { content = null } = source;
  const memoryType = stringAt(source["memoryType"], `${path}.memoryType`);
  if (!isHistoryType(memoryType)) throw invalidInput(`${path}.memoryType`, "is not that of a message or metadata");
  if (roleOf(memoryType) === undefined) assertMetadataChange(content, `${path}.content`);
  else assertMessageContent(content, `${path}.content`);
  const atom = {
    sessionId: log.sessionId,
    userId: log.userId,
    id: parseAtomId(source["id"], `${path}.id`),
    memoryType,
    content,
    metadata: objectAt(source["metadata"], `${path}.metadata`),
    createdAtMs: timeAt(source["createdAt"], `${path}.createdAt`),
  };
  return encodeAtom(atom, log.maxAtomBytes, path);
}

function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function objectAt(value: JsonValue | undefined, path: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw invalidInput(path, "must be an object, as session.toJSON() writes it");
}

function arrayAt(value: JsonValue | undefined, path: string): JsonValue[] {
  if (Array.isArray(value)) return value;
  throw invalidInput(path, "must be an array, as session.toJSON() writes it");
}

function stringAt(value: JsonValue | undefined, path: string): string {
  if (typeof value === "string") return value;
  throw invalidInput(path, "must be a string, as session.toJSON() writes it");
}

function optionalIdAt(value: JsonValue | undefined, path: string): string | undefined {
  return value === null || value === undefined ? undefined : parseAtomId(value, path);
}

function timeAt(value: JsonValue | undefined, path: string): number {
  const timeMs = Date.parse(stringAt(value, path));
  if (Number.isNaN(timeMs)) throw invalidInput(path, "must be an ISO time, as session.toJSON() writes it");
  return timeMs;
}
