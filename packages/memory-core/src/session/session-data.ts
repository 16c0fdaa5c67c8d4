/** A session as JSON, for a queue, a cache or another process; `session-data-reader.ts` reads it. */
import { decodeAtom } from "../atom/atom-codec.ts";
import type { JsonObject, JsonValue } from "../json/json.ts";
import type { MessageContent, MessageRole } from "../message/message.ts";
import type { SessionLog } from "./session-log.ts";
import type { IdRange } from "../backend/storage-hooks.ts";

/** The JSON of `session.toJSON()`. Times are ISO strings; messages and atoms are in the order of their ids. */
export interface SessionData {
  sessionId: string;
  userId: string;
  /**
   * The session and user that the data was saved under. Everything outside `unsaved` is saved under these ids and no
   * others, so data whose `sessionId` or `userId` was changed is refused.
   */
  savedAs: { sessionId: string; userId: string };
  createdAt: string;
  lastActive: string;
  metadata: JsonObject;
  messages: { id: string; role: MessageRole; content: MessageContent; metadata: JsonObject; createdAt: string }[];
  /** Everything that no store has acknowledged yet, and the state of this object relative to the store. */
  unsaved: {
    atoms: { id: string; memoryType: string; content: JsonValue; metadata: JsonObject; createdAt: string }[];
    clearThroughId: string | null;
    /** Ids ahead of the clock that are cleared too; see `ClearedIds`. */
    clearAhead: IdRange | null;
    historyXor: string;
    loadedFromId: string | null;
  };
}

export function logToData(log: SessionLog, createdAtMs: number): SessionData {
  log.freezeMetadataChange();
  return {
    sessionId: log.sessionId,
    userId: log.userId,
    savedAs: { sessionId: log.sessionId, userId: log.userId },
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
      clearThroughId: log.cleared?.clearThroughId ?? null,
      clearAhead: log.cleared?.clearAhead ?? null,
      historyXor: log.historyXor,
      loadedFromId: log.loadedFromId ?? null,
    },
  };
}

function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
