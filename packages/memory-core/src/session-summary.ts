import { atomIdTimeMs } from "./atom-id.ts";
import { MemoryError } from "./errors.ts";
import type { SessionHead } from "./head.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import { decodeText, fromJsonText, shownText } from "./serialization.ts";
import type { SessionSummary } from "./storage-types.ts";

export function summarize(head: SessionHead): SessionSummary {
  const { metadata, unreadable = readNames(head).unreadable } = readMetadata(head);
  return {
    sessionId: shownText(head.sessionId),
    userId: shownText(head.userId),
    createdAt: new Date(head.createdAtMs),
    lastActive: new Date(atomIdTimeMs(head.lastAtomId)),
    lastAtomId: head.lastAtomId,
    messageCount: head.messageCount,
    metadata,
    ...(unreadable === undefined ? {} : { unreadable }),
  };
}

/** The names of a session; when one of them is stored as no name is, both as they are stored, and with the reason. */
export function readNames(head: Pick<SessionHead, "sessionId" | "userId">): {
  sessionId: string;
  userId: string;
  unreadable?: MemoryError;
} {
  try {
    return { sessionId: decodeText(head.sessionId), userId: decodeText(head.userId) };
  } catch (cause) {
    const { sessionId, userId } = head;
    return { sessionId, userId, unreadable: corruptHead(head, "its id or its user's is stored as no name is", cause) };
  }
}

/** The current metadata of a session; when the stored text is damaged, empty and with the reason. */
export function readMetadata(head: SessionHead): { metadata: JsonObject; unreadable?: MemoryError } {
  try {
    const metadata = fromJsonText(head.metadata);
    if (isJsonObject(metadata)) return { metadata };
    return { metadata: {}, unreadable: corruptHead(head, NO_OBJECT, undefined) };
  } catch (cause) {
    return { metadata: {}, unreadable: corruptHead(head, NO_OBJECT, cause) };
  }
}

const NO_OBJECT = "the metadata in its head is no JSON object in the form that is stored";

function corruptHead(head: Pick<SessionHead, "sessionId">, problem: string, cause: unknown): MemoryError {
  const sessionId = shownText(head.sessionId);
  return new MemoryError({
    code: "corrupt",
    message: `session ${JSON.stringify(sessionId)} cannot be read: ${problem}; the stored text was left as it is`,
    sessionId,
    cause,
  });
}
