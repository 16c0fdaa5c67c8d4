import { decodeAtom, decodeOr } from "./atom-codec.ts";
import { atomIdTimeMs } from "./atom-id.ts";
import type { UnreadableAtom } from "./atom.ts";
import type { JsonObject, JsonValue } from "./json.ts";
import { decodeText } from "./serialization.ts";
import { applyMetadataChange, assertMetadataChange, type MetadataChange } from "./session-metadata.ts";
import type { AtomRow, SessionRow } from "./storage-hooks.ts";
import type { SessionSummary } from "./storage-types.ts";

/** Folds the metadata atoms of a session, in id order, into its current metadata. */
export function foldMetadata(
  rows: readonly AtomRow[],
  unreadable: (atom: UnreadableAtom) => void,
): Map<string, JsonValue> {
  const metadata = new Map<string, JsonValue>();
  for (const row of rows) {
    const change = decodeOr(row, decodeMetadataChange, unreadable);
    if (change !== undefined) applyMetadataChange(metadata, change);
  }
  return metadata;
}

/** @throws {MemoryError} `corrupt` when the row is no metadata change. */
export function decodeMetadataChange(row: AtomRow): MetadataChange {
  const { content } = decodeAtom(row);
  assertMetadataChange(content, "content");
  return content;
}

export function summarize({ head, metadata }: SessionRow): SessionSummary {
  const unreadable: UnreadableAtom[] = [];
  const folded: JsonObject = Object.fromEntries(foldMetadata(metadata, (atom) => unreadable.push(atom)));
  return {
    sessionId: decodeText(head.sessionId),
    userId: decodeText(head.userId),
    createdAt: new Date(head.createdAtMs),
    lastActive: new Date(atomIdTimeMs(head.lastAtomId)),
    lastAtomId: head.lastAtomId,
    messageCount: head.messageCount,
    metadata: folded,
    ...(unreadable.length === 0 ? {} : { unreadable }),
  };
}
