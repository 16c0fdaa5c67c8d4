/**
 * `Session.fromJSON`: converts data from outside to a session, or throws one error with the path of the first problem.
 *
 * Every field is checked against the output of `session.toJSON()`, and the fields against each other, so that no store
 * has to refuse anything later: an error from a store would have no path.
 */
import { encodeAtom } from "../atom/atom-codec.ts";
import { isHistoryType, messageTypeOf, roleOf } from "../atom/atom.ts";
import { isUuid, NIL_ID, type AtomClock } from "../atom/atom-id.ts";
import { invalidInput } from "../errors/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json/json.ts";
import { assertMessageContent, isMessageRole, type Message } from "../message/message.ts";
import { isSameJson, toJsonText } from "../atom/serialization.ts";
import { SessionLog, type RestoredState } from "./session-log.ts";
import { assertMetadataChange } from "./session-metadata.ts";
import type { AtomRow } from "../backend/atom-row.ts";
import type { ClearedIds } from "../backend/storage-hooks.ts";
import { snapshotJsonObject } from "../json/snapshot.ts";
import { assertName, parseNewAtomId } from "../atom/validation.ts";

/** The levels around the deepest values, such as `data.unsaved.atoms[0].content.set.key`. */
const ENVELOPE_LEVELS = 6;

/** @throws {MemoryError} `invalid_input` with the path of data that `session.toJSON()` cannot have written. */
export function logFromData(
  data: unknown,
  clock: AtomClock,
  maxAtomBytes?: number,
): { log: SessionLog; createdAtMs: number } {
  const source = snapshotJsonObject(data, "data", Number.POSITIVE_INFINITY, -ENVELOPE_LEVELS);
  const { sessionId, userId } = source;
  assertName(sessionId, "data.sessionId");
  assertName(userId, "data.userId");
  const log = new SessionLog(sessionId, userId, clock, maxAtomBytes);
  const lastActiveMs = timeAt(source["lastActive"], "data.lastActive");
  const metadata = objectAt(source["metadata"], "data.metadata");
  const nowMs = clock.wallTimeMs();
  const messages = arrayAt(source["messages"], "data.messages").map((item, index) =>
    messageAt(item, `data.messages[${index}]`, nowMs),
  );
  assertAscending(messages, "data.messages");
  const saved = stateAt(source["unsaved"], "data.unsaved", log, nowMs);
  assertSameMessages(saved.unsaved, messages);
  assertSavedAs(source["savedAs"], log, messages, saved);
  const createdAtMs = timeAt(source["createdAt"], "data.createdAt");
  log.restore(messages, metadata, saved, lastActiveMs);
  return { log, createdAtMs };
}

function messageAt(value: JsonValue, path: string, nowMs: number): Message {
  const source = objectAt(value, path);
  const { role, content = null } = source;
  if (!isMessageRole(role))
    throw invalidInput(`${path}.role`, "is not a role; expected user, assistant, system or tool");
  assertMessageContent(content, `${path}.content`);
  return Object.freeze({
    id: parseNewAtomId(source["id"], `${path}.id`, nowMs),
    role,
    content,
    metadata: objectAt(source["metadata"], `${path}.metadata`),
    createdAt: new Date(timeAt(source["createdAt"], `${path}.createdAt`)),
  });
}

function stateAt(value: JsonValue | undefined, path: string, log: SessionLog, nowMs: number): RestoredState {
  const source = objectAt(value, path);
  const unsaved = arrayAt(source["atoms"], `${path}.atoms`).map((item, index) =>
    atomAt(item, `${path}.atoms[${index}]`, log, nowMs),
  );
  assertAscending(unsaved, `${path}.atoms`);
  return {
    unsaved,
    historyXor: uuidAt(source["historyXor"], `${path}.historyXor`),
    loadedFromId: optionalIdAt(source["loadedFromId"], `${path}.loadedFromId`, nowMs),
    cleared: clearedAt(source, path, nowMs),
  };
}

function atomAt(value: JsonValue, path: string, log: SessionLog, nowMs: number): AtomRow {
  const source = objectAt(value, path);
  const { content = null } = source;
  const memoryType = stringAt(source["memoryType"], `${path}.memoryType`);
  if (!isHistoryType(memoryType))
    throw invalidInput(`${path}.memoryType`, "is not the type of a message or of session metadata");
  if (roleOf(memoryType) === undefined) assertMetadataChange(content, `${path}.content`);
  else assertMessageContent(content, `${path}.content`);
  const atom = {
    sessionId: log.sessionId,
    userId: log.userId,
    id: parseNewAtomId(source["id"], `${path}.id`, nowMs),
    memoryType,
    content,
    metadata: objectAt(source["metadata"], `${path}.metadata`),
    createdAtMs: timeAt(source["createdAt"], `${path}.createdAt`),
  };
  return encodeAtom(atom, log.maxAtomBytes, path);
}

function clearedAt(source: JsonObject, path: string, nowMs: number): ClearedIds | undefined {
  const clearThroughId = optionalIdAt(source["clearThroughId"], `${path}.clearThroughId`, nowMs);
  const ahead = source["clearAhead"] ?? null;
  if (ahead === null) return clearThroughId === undefined ? undefined : { clearThroughId };
  if (clearThroughId === undefined)
    throw invalidInput(`${path}.clearAhead`, "is set without clearThroughId; set that too");
  const range = objectAt(ahead, `${path}.clearAhead`);
  const afterId = uuidAt(range["afterId"], `${path}.clearAhead.afterId`);
  const throughId = uuidAt(range["throughId"], `${path}.clearAhead.throughId`);
  return { clearThroughId, clearAhead: { afterId, throughId } };
}

function assertAscending(items: readonly { readonly id: string }[], path: string): void {
  const index = items.findIndex(({ id }, place) => id <= (items[place - 1]?.id ?? ""));
  if (index === -1) return;
  throw invalidInput(
    `${path}[${index}].id`,
    "is not greater than the id before it; expected each id once, in ascending order",
  );
}

/** Checks that an unsaved message is the same in the history: a save writes the one, and the reader sees the other. */
function assertSameMessages(unsaved: readonly AtomRow[], messages: readonly Message[]): void {
  const byId = new Map(messages.map((message, index) => [message.id, { message, index }]));
  unsaved.forEach((row, index) => {
    const found = byId.get(row.id);
    if (roleOf(row.memoryType) === undefined) {
      if (found === undefined) return;
      throw invalidInput(
        `data.unsaved.atoms[${index}].id`,
        "is also the id of a message; expected a different id for each",
      );
    }
    if (found === undefined) {
      throw invalidInput(
        `data.unsaved.atoms[${index}].id`,
        "is the id of a message that data.messages does not contain",
      );
    }
    if (isSameMessage(row, found.message)) return;
    throw invalidInput(`data.messages[${found.index}]`, "differs from the unsaved atom of the same id");
  });
}

function isSameMessage(row: AtomRow, { role, content, metadata }: Message): boolean {
  return (
    row.memoryType === messageTypeOf(role) &&
    isSameJson(row.content, toJsonText(content as JsonValue)) &&
    isSameJson(row.metadata, toJsonText(metadata))
  );
}

/** Refuses the saved state of another session: a save under the new id would omit everything that counts as saved. */
function assertSavedAs(
  value: JsonValue | undefined,
  { sessionId, userId }: SessionLog,
  messages: readonly Message[],
  { unsaved, historyXor, loadedFromId, cleared }: RestoredState,
): void {
  if (value === undefined) {
    const unsavedIds = new Set(unsaved.map(({ id }) => id));
    const isAllUnsaved = messages.every(({ id }) => unsavedIds.has(id));
    if (isAllUnsaved && historyXor === NIL_ID && loadedFromId === undefined && cleared === undefined) return;
    const problem = "is missing; it names the session under which these messages are saved";
    throw invalidInput(
      "data.savedAs",
      `${problem}; load the session from its storage, or add its messages to a new Session`,
    );
  }
  const savedAs = objectAt(value, "data.savedAs");
  assertUnchanged("sessionId", sessionId, savedAs["sessionId"]);
  assertUnchanged("userId", userId, savedAs["userId"]);
}

function assertUnchanged(field: "sessionId" | "userId", given: string, saved: JsonValue | undefined): void {
  assertName(saved, `data.savedAs.${field}`);
  if (given === saved) return;
  throw invalidInput(
    `data.${field}`,
    `is not the ${field} of data.savedAs: the saved messages would be missing under the new one. ` +
      `Expected the JSON as session.toJSON() wrote it. For a copy, create a new Session and add the messages to it`,
  );
}

function objectAt(value: JsonValue | undefined, path: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw invalidInput(path, "must be an object, as in the output of session.toJSON()");
}

function arrayAt(value: JsonValue | undefined, path: string): JsonValue[] {
  if (Array.isArray(value)) return value;
  throw invalidInput(path, "must be an array, as in the output of session.toJSON()");
}

function stringAt(value: JsonValue | undefined, path: string): string {
  if (typeof value === "string") return value;
  throw invalidInput(path, "must be a string, as in the output of session.toJSON()");
}

function optionalIdAt(value: JsonValue | undefined, path: string, nowMs: number): string | undefined {
  return value === null || value === undefined ? undefined : parseNewAtomId(value, path, nowMs);
}

function uuidAt(value: JsonValue | undefined, path: string): string {
  const uuid = stringAt(value, path);
  if (isUuid(uuid)) return uuid;
  throw invalidInput(path, "must be a UUID in lower case, as in the output of session.toJSON()");
}

const ISO_TIME = /^(?:\d{4}|[+-]\d{6})-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

function timeAt(value: JsonValue | undefined, path: string): number {
  const text = stringAt(value, path);
  const timeMs = ISO_TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(timeMs)) throw invalidInput(path, "must be an ISO time, as in the output of session.toJSON()");
  return timeMs;
}
