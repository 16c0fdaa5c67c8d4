import { atomIdTimeMs } from "../atom/atom-id.ts";
import { MemoryError } from "../errors/errors.ts";
import type { SessionHead } from "../backend/head.ts";
import { isJsonObject, type JsonObject } from "../json/json.ts";
import { decodeText, fromJsonText, shownText } from "../atom/serialization.ts";
import { assertName, isTimeMs } from "../atom/validation.ts";
import type { SessionSummary } from "../storage/storage-types.ts";

export function summarize(head: SessionHead): SessionSummary {
  const names = readNames(head);
  const { metadata, unreadable = names.unreadable ?? unreadableTime(head) } = readMetadata(head);
  return {
    sessionId: names.unreadable === undefined ? names.sessionId : shownText(head.sessionId),
    userId: names.unreadable === undefined ? names.userId : shownText(head.userId),
    createdAt: createdAtOf(head),
    lastActive: new Date(atomIdTimeMs(head.lastAtomId)),
    lastAtomId: head.lastAtomId,
    messageCount: head.messageCount,
    metadata,
    ...(unreadable === undefined ? {} : { unreadable }),
  };
}

/** The names of a session. If one of them is invalid, both as stored, with the reason. */
export function readNames(head: Pick<SessionHead, "sessionId" | "userId">): {
  sessionId: string;
  userId: string;
  unreadable?: MemoryError;
} {
  try {
    const sessionId = decodeText(head.sessionId);
    const userId = decodeText(head.userId);
    assertName(sessionId, "sessionId");
    assertName(userId, "userId");
    return { sessionId, userId };
  } catch (cause) {
    const { sessionId, userId } = head;
    return {
      sessionId,
      userId,
      unreadable: corruptHead(head, "its session id or user id is not stored as a valid name", cause),
    };
  }
}

/** The creation time of the session, or the time of its last atom if a `Date` cannot hold the stored time. */
export function createdAtOf(head: Pick<SessionHead, "createdAtMs" | "lastAtomId">): Date {
  return new Date(isTimeMs(head.createdAtMs) ? head.createdAtMs : atomIdTimeMs(head.lastAtomId));
}

function unreadableTime(head: SessionHead): MemoryError | undefined {
  return isTimeMs(head.createdAtMs) ? undefined : corruptHead(head, "its creation time is not a time", undefined);
}

/** The current metadata of a session; if the stored text is damaged, an empty object with the reason. */
export function readMetadata(head: SessionHead): { metadata: JsonObject; unreadable?: MemoryError } {
  try {
    const metadata = fromJsonText(head.metadata);
    if (isJsonObject(metadata)) return { metadata };
    return { metadata: {}, unreadable: corruptHead(head, NO_OBJECT, undefined) };
  } catch (cause) {
    return { metadata: {}, unreadable: corruptHead(head, NO_OBJECT, cause) };
  }
}

const NO_OBJECT = "the metadata in its head is not a JSON object in the stored form";

function corruptHead(head: Pick<SessionHead, "sessionId">, problem: string, cause: unknown): MemoryError {
  const sessionId = shownText(head.sessionId);
  return new MemoryError({
    code: "corrupt",
    message: `session ${JSON.stringify(sessionId)} cannot be read: ${problem}; the stored text was not changed`,
    sessionId,
    cause,
  });
}
