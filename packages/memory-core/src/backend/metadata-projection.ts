import { SESSION_METADATA } from "../atom/atom.ts";
import { isJsonObject, type JsonValue } from "../json/json.ts";
import { parseJson } from "../json/parse-json.ts";
import { sortedByKey } from "../atom/serialization.ts";
import { assertMetadataChange, type MetadataChange } from "../session/session-metadata.ts";
import type { AtomRow } from "./atom-row.ts";

/**
 * The current metadata of a session, folded from its `session_metadata` atoms: for each key, the change with the
 * greatest id wins. Changes may arrive in any order, and more than once.
 *
 * Both fields are JSON texts in the form of `serialization.ts`, with sorted keys: the same atoms give the same text.
 */
export interface MetadataProjection {
  /** The current metadata, as a JSON object. */
  readonly metadata: string;
  /** For each key that was ever set or removed, the id of the atom that determined it, as a JSON object. */
  readonly metadataIds: string;
}

export const EMPTY_METADATA: MetadataProjection = { metadata: "{}", metadataIds: "{}" };

/** The projection after atoms are added; atoms of other types change nothing. */
export function metadataAfter(
  { metadata, metadataIds }: MetadataProjection,
  rows: readonly AtomRow[],
): MetadataProjection {
  const changes = rows.filter((row) => row.memoryType === SESSION_METADATA);
  if (changes.length === 0) return { metadata, metadataIds };
  // The escaped form of a string is a string too, so values that are only moved are not decoded.
  const values = new Map(parseEntries(metadata));
  const ids = new Map(parseEntries(metadataIds));
  for (const { id, content } of changes) {
    const change = parseChange(content);
    if (change === undefined) continue;
    const decides = (key: string): boolean => {
      const decided = ids.get(key);
      if (typeof decided === "string" && decided > id) return false;
      ids.set(key, id);
      return true;
    };
    for (const key of change.removed) if (decides(key)) values.delete(key);
    for (const [key, value] of Object.entries(change.set)) if (decides(key)) values.set(key, value);
  }
  return { metadata: JSON.stringify(sortedByKey(values)), metadataIds: JSON.stringify(sortedByKey(ids)) };
}

/**
 * Finds a key of the rows' changes that is already determined by a greater id, which is also greater than `afterId`;
 * undefined when there is none.
 */
export function metadataDecidedAfter(
  afterId: string,
  { metadataIds }: Pick<MetadataProjection, "metadataIds">,
  rows: readonly AtomRow[],
): [key: string, id: string] | undefined {
  const changes = rows.filter((row) => row.memoryType === SESSION_METADATA);
  if (changes.length === 0) return undefined;
  const decided = new Map(parseEntries(metadataIds));
  for (const { id, content } of changes) {
    const change = parseChange(content);
    for (const key of change === undefined ? [] : [...change.removed, ...Object.keys(change.set)]) {
      const decidedBy = decided.get(key);
      if (typeof decidedBy === "string" && decidedBy > afterId && decidedBy > id) return [key, decidedBy];
    }
  }
  return undefined;
}

function parseEntries(text: string): [string, JsonValue][] {
  const object = parseJson(text);
  return isJsonObject(object) ? Object.entries(object) : [];
}

/** Parses a change. A damaged change has no effect; the atom itself is reported when it is queried. */
function parseChange(content: string): MetadataChange | undefined {
  try {
    const change = parseJson(content);
    assertMetadataChange(change, "content");
    return change;
  } catch {
    return undefined;
  }
}
