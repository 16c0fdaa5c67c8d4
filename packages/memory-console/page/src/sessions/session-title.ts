import type { SessionEntry } from "../../../src/wire.ts";
import { shortId } from "../format.ts";

const NAMES: readonly string[] = ["title", "name", "subject", "topic"];

/** The title of a session: from its metadata if they contain one, otherwise its id. */
export function titleOf({ sessionId, metadata }: Pick<SessionEntry, "sessionId" | "metadata">): string {
  for (const name of NAMES) {
    const value = metadata[name];
    if (typeof value === "string" && value.trim() !== "") return value;
  }
  return shortId(sessionId);
}
