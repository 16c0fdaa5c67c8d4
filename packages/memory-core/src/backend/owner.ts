/** The owner of a tombstone: a hash of the user's id instead of its text. */
import { sha256 } from "@noble/hashes/sha2.js";
import { idOfWords } from "./id-xor.ts";
import type { Tombstone } from "./storage-hooks.ts";

/**
 * The owner of tombstones that were written before tombstones had owners. They concern the atoms of all users, so that
 * deleted atoms stay deleted.
 */
export const UNKNOWN_OWNER = "";

const MAX_REMEMBERED = 1_000;
const remembered = new Map<string, string>();

/**
 * The SHA-256 of a user id in its stored form (`encodeText`), as 64 hexadecimal digits. PostgreSQL computes it with
 * `encode(sha256(convert_to(user_id, 'UTF8')), 'hex')`.
 *
 * It is computed only where tombstones are written or compared; a save without tombstones hashes nothing. The last
 * thousand users are cached.
 *
 * @example
 * ownerOf("ada"); // "8b9aef2cd0ab…"
 */
export function ownerOf(userId: string): string {
  let owner = remembered.get(userId);
  if (owner === undefined) {
    owner = Array.from(sha256(new TextEncoder().encode(userId)), hexOfByte).join("");
    for (const oldest of remembered.keys()) {
      if (remembered.size < MAX_REMEMBERED) break;
      remembered.delete(oldest);
    }
    remembered.set(userId, owner);
  }
  return owner;
}

/** Whether tombstones of an owner concern the atoms of a user. */
export function isConcerned(owner: string, userId: string): boolean {
  return owner === UNKNOWN_OWNER || owner === ownerOf(userId);
}

const OWNER = /^(?:[0-9a-f]{64})?$/;

/** Whether a text is a valid owner of a tombstone: a hash in lower case, or {@link UNKNOWN_OWNER}. */
export function isOwner(text: string): boolean {
  return OWNER.test(text);
}

/**
 * A 128-bit digest of one tombstone, in the form of a UUID: the first half of the SHA-256 of the bytes of its id and
 * its owner. Tombstones of two owners may have the same id, and their ids alone would cancel each other out in an XOR.
 */
export function digestOfTombstone({ id, owner }: Pick<Tombstone, "id" | "owner">): string {
  const hash = sha256(bytesOf(id.replaceAll("-", "") + owner));
  const words = new DataView(hash.buffer, hash.byteOffset);
  return idOfWords(words.getUint32(0), words.getUint32(4), words.getUint32(8), words.getUint32(12));
}

/** The order of tombstones: by session, id and owner. */
export function compareTombstones(
  left: Pick<Tombstone, "sessionId" | "id" | "owner">,
  right: Pick<Tombstone, "sessionId" | "id" | "owner">,
): number {
  if (left.sessionId !== right.sessionId) return left.sessionId < right.sessionId ? -1 : 1;
  if (left.id !== right.id) return left.id < right.id ? -1 : 1;
  return left.owner === right.owner ? 0 : left.owner < right.owner ? -1 : 1;
}

function hexOfByte(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, index) =>
    Number.parseInt(hex.slice(index * 2, index * 2 + 2), 16),
  );
}
