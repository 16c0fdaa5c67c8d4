import {
  createdAtOf,
  atomIdTimeMs,
  encodeText,
  fromJsonText,
  shownText,
  type JsonObject,
  type SessionHead,
} from "@rivet/memory-core";
import type { ConsoleStorage } from "./storage.ts";
import { FIRST_PAGE, type SessionDetail, type SessionEntry, type SessionPage } from "../wire.ts";

export interface SessionRange {
  readonly userId?: string | undefined;
  readonly before?: string | undefined;
  readonly limit: number;
}

/** A page of sessions, most recent first. */
export async function recentSessions(
  storage: ConsoleStorage,
  { userId, before, limit }: SessionRange = { limit: FIRST_PAGE },
): Promise<SessionPage> {
  const summaries = await storage.listSessions({
    limit,
    ...(userId === undefined ? {} : { userId }),
    ...(before === undefined ? {} : { before }),
  });
  const sessions = summaries.map(
    ({ sessionId, userId, createdAt, lastActive, lastAtomId, messageCount, metadata, unreadable }) => ({
      key: encodeText(sessionId),
      sessionId,
      userId,
      createdAt: createdAt.toISOString(),
      lastActive: lastActive.toISOString(),
      lastAtomId,
      messageCount,
      metadata,
      ...(unreadable === undefined ? {} : { unreadable: unreadable.message }),
    }),
  );
  const [first] = summaries;
  const last = summaries.at(-1);
  if (first === undefined || last === undefined) return { sessions };
  const newest = first.lastAtomId;
  return summaries.length < limit ? { sessions, newest } : { sessions, newest, next: last.lastAtomId };
}

/** Ids that were not chosen by the application begin with this; whoever searches may leave it out. */
const MINTED_PREFIX = "session_";

/** The sessions whose id begins with a text, in the order of their ids, `limit` at the most. */
export async function searchSessions(
  storage: ConsoleStorage,
  search: string,
  { userId, limit }: Omit<SessionRange, "before">,
): Promise<SessionPage> {
  const prefixes = search.startsWith(MINTED_PREFIX) ? [search] : [search, MINTED_PREFIX + search];
  const found = await Promise.all(
    prefixes.map((prefix) => headsWithPrefix(storage, encodeText(prefix), userId, limit)),
  );
  return { sessions: found.flat().slice(0, limit).map(sessionEntry) };
}

async function headsWithPrefix(
  storage: ConsoleStorage,
  prefix: string,
  userId: string | undefined,
  limit: number,
): Promise<SessionHead[]> {
  const guard = userId === undefined ? undefined : encodeText(userId);
  const [exact, following] = await Promise.all([
    storage.reader.selectSession({ sessionId: prefix, userId: guard, lastMessages: 1 }),
    storage.reader.selectHeads({ order: "session-id", userId: guard, afterSessionId: prefix, limit }),
  ]);
  const heads = following.filter(({ sessionId }) => sessionId.startsWith(prefix));
  return exact === undefined ? heads : [exact.head, ...heads];
}

/** Undefined when there is no such session. */
export async function sessionDetail(storage: ConsoleStorage, key: string): Promise<SessionDetail | undefined> {
  const row = await storage.reader.selectSession({ sessionId: key, lastMessages: 1 });
  if (row === undefined) return undefined;
  const { head, unreachable = [] } = row;
  const { atomCount, idXor } = head;
  return { ...sessionEntry(head), atomCount, version: `${atomCount}:${idXor}`, unreachable };
}

function sessionEntry(head: SessionHead): SessionEntry {
  return {
    key: head.sessionId,
    sessionId: shownText(head.sessionId),
    userId: shownText(head.userId),
    createdAt: createdAtOf(head).toISOString(),
    lastActive: new Date(atomIdTimeMs(head.lastAtomId)).toISOString(),
    lastAtomId: head.lastAtomId,
    messageCount: head.messageCount,
    ...readMetadata(head.metadata),
  };
}

function readMetadata(text: string): { metadata: JsonObject; unreadable?: string } {
  try {
    const metadata = fromJsonText(text);
    if (typeof metadata === "object" && metadata !== null && !Array.isArray(metadata)) return { metadata };
  } catch {
    // Told below, as for a value that is no object.
  }
  return { metadata: {}, unreadable: "the stored metadata are no JSON object" };
}
