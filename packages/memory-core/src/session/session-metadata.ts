/** Session metadata as a fold of immutable changes, so that concurrent changes of different keys are all kept. */
import { invalidInput } from "../errors/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json/json.ts";

/** The content of a `session_metadata` atom: the keys to set, and the keys to remove. */
export type MetadataChange = { set: JsonObject; removed: string[] };

/** @throws {MemoryError} `invalid_input` when the value is not a metadata change. */
export function assertMetadataChange(value: unknown, path: string): asserts value is MetadataChange {
  const { set, removed } = isJsonObject(value) ? value : {};
  if (!isJsonObject(set)) throw invalidInput(`${path}.set`, "must be an object, for an atom of type session_metadata");
  if (!Array.isArray(removed) || removed.some((key) => typeof key !== "string")) {
    throw invalidInput(`${path}.removed`, "must be an array of keys, for an atom of type session_metadata");
  }
}

/** Applies a change to the metadata, in place. The changes of a session are applied in the order of their ids. */
export function applyMetadataChange(metadata: Map<string, JsonValue>, change: MetadataChange): void {
  for (const key of change.removed) metadata.delete(key);
  for (const [key, value] of Object.entries(change.set)) metadata.set(key, value);
}
