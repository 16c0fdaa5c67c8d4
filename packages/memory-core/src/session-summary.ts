import { atomIdTimeMs } from "./atom-id.ts";
import { MemoryError } from "./errors.ts";
import type { SessionHead } from "./head.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import { decodeText, fromJsonText } from "./serialization.ts";
import type { SessionSummary } from "./storage-types.ts";

export function summarize(head: SessionHead): SessionSummary {
  const { metadata, unreadable } = readMetadata(head);
  return {
    sessionId: decodeText(head.sessionId),
    userId: decodeText(head.userId),
    createdAt: new Date(head.createdAtMs),
    lastActive: new Date(atomIdTimeMs(head.lastAtomId)),
    lastAtomId: head.lastAtomId,
    messageCount: head.messageCount,
    metadata,
    ...(unreadable === undefined ? {} : { unreadable }),
  };
}

/** The current metadata of a session; when the stored text is damaged, empty and with the reason. */
export function readMetadata(head: SessionHead): { metadata: JsonObject; unreadable?: MemoryError } {
  try {
    const metadata = fromJsonText(head.metadata);
    if (isJsonObject(metadata)) return { metadata };
    return { metadata: {}, unreadable: corruptHead(head, undefined) };
  } catch (cause) {
    return { metadata: {}, unreadable: corruptHead(head, cause) };
  }
}

function corruptHead(head: SessionHead, cause: unknown): MemoryError {
  const sessionId = decodeText(head.sessionId);
  return new MemoryError({
    code: "corrupt",
    message: `the metadata of session ${JSON.stringify(sessionId)} cannot be read: the text in its head is no JSON object`,
    sessionId,
    cause,
  });
}
