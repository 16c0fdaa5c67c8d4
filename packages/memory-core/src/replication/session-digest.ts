import { NIL_ID } from "../atom/atom-id.ts";
import { xorIds } from "../backend/id-xor.ts";
import type { SessionDigest } from "./replica.ts";

export function isSameSession(left: SessionDigest, right: SessionDigest): boolean {
  return (
    left.atomCount === right.atomCount &&
    left.idXor === right.idXor &&
    left.tombstoneCount === right.tombstoneCount &&
    left.tombstoneXor === right.tombstoneXor
  );
}

/**
 * A 128-bit hash of the facts of one session, in the form of a UUID: the first half of the SHA-256 of its fields,
 * joined by line feeds. Stores compute it next to their rows, so it never changes.
 */
export async function hashOfSession(session: SessionDigest): Promise<string> {
  const { sessionId, atomCount, idXor, tombstoneCount, tombstoneXor } = session;
  const text = [atomCount, idXor, tombstoneCount, tombstoneXor, sessionId].join("\n");
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  const hex = Array.from(hash.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The digest of a set of sessions. */
export async function digestOf(sessions: readonly SessionDigest[]): Promise<string> {
  return xorIds([NIL_ID, ...(await Promise.all(sessions.map(hashOfSession)))]);
}
