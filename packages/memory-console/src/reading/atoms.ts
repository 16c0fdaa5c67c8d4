import {
  estimateTokens,
  fromJsonText,
  isTimeMs,
  roleOf,
  shownText,
  type JsonObject,
  type JsonValue,
  type MemoryAtom,
} from "@rivet/memory-core";
import { excerptOf } from "./excerpt.ts";
import type { ImageLinks } from "./image-links.ts";
import { imageOf } from "./images.ts";
import { nameOfKey } from "../routes/parameters.ts";
import { isJsonObject } from "../json.ts";
import type { ConsoleStorage } from "./storage.ts";
import type { AtomEntry, AtomPage, ContextView } from "../wire.ts";

export interface AtomRange {
  readonly before?: string | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Characters of an atom that are shown at once. The rest is one request away: a page of atoms stays small. */
const MAX_CHARACTERS = 12_000;

/** A page of a session's atoms, oldest first: the latest ones, those before an atom, or those next after one. */
export async function atomPage(
  storage: ConsoleStorage,
  key: string,
  { before, after, limit }: AtomRange,
  links: ImageLinks,
): Promise<AtomPage> {
  const list = await storage.queryMemoryAtoms({
    sessionId: nameOfKey(key),
    limit,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  });
  return {
    atoms: list.toReversed().map((atom) => atomEntry(key, atom, links)),
    unreadable: list.unreadable.map(({ id, memoryType, contentText, error }) => ({
      id,
      memoryType,
      contentText: contentText.slice(0, MAX_CHARACTERS),
      reason: error.message,
    })),
    hasMore: list.length === limit,
  };
}

function atomEntry(
  key: string,
  { id, memoryType, content, metadata, createdAt }: MemoryAtom,
  links: ImageLinks,
): AtomEntry {
  const isMessage = roleOf(memoryType) !== undefined;
  const parts = isMessage && Array.isArray(content) ? content : [];
  const images = parts.flatMap((part, index): [string, string][] =>
    imageOf(part) === undefined
      ? []
      : [[String(index), links.addressOf({ session: key, atom: id, part: String(index) })]],
  );
  const shown = images.length === 0 ? content : withoutImages(parts, new Set(images.map(([index]) => Number(index))));
  const { value, isCut } = excerptOf(shown, MAX_CHARACTERS);
  const { value: shownMetadata } = excerptOf(metadata, MAX_CHARACTERS);
  return {
    id,
    memoryType,
    content: value,
    metadata: isJsonObject(shownMetadata) ? shownMetadata : {},
    createdAt: createdAt.toISOString(),
    isCut,
    images: Object.fromEntries(images),
  };
}

/** The images have addresses of their own. */
function withoutImages(parts: readonly JsonValue[], positions: ReadonlySet<number>): JsonValue {
  return parts.map((part, index) => {
    if (!positions.has(index) || !isJsonObject(part)) return part;
    return Object.fromEntries(Object.entries(part).filter(([name]) => name !== "image" && name !== "data"));
  });
}

/** One atom with all of its content; undefined when there is none. */
export async function wholeAtom(storage: ConsoleStorage, key: string, id: string): Promise<JsonObject | undefined> {
  const nowMs = Date.now();
  const selection = { sessionId: key, ids: [id], unexpiredAtMs: nowMs, order: "oldest-first", limit: 1 } as const;
  const [row] = await storage.reader.selectAtoms(selection);
  if (row === undefined) return undefined;
  return {
    id: row.id,
    sessionId: shownText(row.sessionId),
    userId: shownText(row.userId),
    memoryType: shownText(row.memoryType),
    content: valueOf(row.content),
    metadata: valueOf(row.metadata),
    createdAt: timeOf(row.createdAtMs),
    ...(row.expiresAtMs === null ? {} : { expiresAt: timeOf(row.expiresAtMs) }),
  };
}

/** A time that no `Date` has is shown as it is stored. */
function timeOf(timeMs: number): string {
  return isTimeMs(timeMs) ? new Date(timeMs).toISOString() : `${timeMs} ms`;
}

/** Text that is damaged is shown as it is stored. */
function valueOf(text: string): JsonValue {
  try {
    return fromJsonText(text);
  } catch {
    return text;
  }
}

/** The messages of a session that fit a token budget; undefined when there is no such session. */
export async function contextView(
  storage: ConsoleStorage,
  key: string,
  maxTokens: number,
): Promise<ContextView | undefined> {
  const session = await storage.loadSession(nameOfKey(key));
  if (session === null) return undefined;
  const kept = session.getContext({ maxTokens });
  return {
    keptIds: kept.map(({ id }) => id),
    tokens: kept.reduce((sum, message) => sum + estimateTokens(message), 0),
  };
}
