/** The interface of a store for replication: digests to compare, facts to read, and a method that merges facts. */
import type { ErasureResidue } from "../storage/erasure-residue.ts";
import type { AtomRow } from "../backend/atom-row.ts";
import type { Facts, Merged, Tombstone, TombstoneKey } from "../backend/storage-hooks.ts";

/**
 * Sessions after `after`, up to and including `through`; without `through`, to the end. Ids are ordered by UTF-8 bytes.
 */
export interface SessionRange {
  readonly after: string;
  readonly through?: string | undefined;
}

/** A digest of the facts of one session. Two stores with equal digests hold the same facts. */
export interface SessionDigest {
  readonly sessionId: string;
  readonly atomCount: number;
  /** The XOR of the atoms' ids. */
  readonly idXor: string;
  readonly tombstoneCount: number;
  /** The XOR of `digestOfTombstone` over its tombstones. */
  readonly tombstoneXor: string;
}

/** The digest of the sessions from the end of the previous range up to `through`. */
export interface RangeDigest {
  readonly through: string;
  /** The XOR of `hashOfSession` over the sessions, in the form of a UUID. */
  readonly digest: string;
}

/** Every method may be called while others write; a result is then consistent as of some moment during the call. */
export interface Replica {
  /** The name in reports. */
  readonly name: string;
  /**
   * The next ranges of `rangeSessions` sessions each, at most `limit` of them; empty when there are no more sessions.
   */
  rangesAfter(sessionId: string, rangeSessions: number, limit: number): Promise<readonly RangeDigest[]>;
  /** One digest for each range. */
  digestsOf(ranges: readonly SessionRange[]): Promise<readonly string[]>;
  /** The first sessions of a range that hold an atom or a tombstone, in the order of their ids. */
  sessions(range: SessionRange, limit: number): Promise<readonly SessionDigest[]>;
  /** Ids of a session's atoms, newest first. */
  atomIds(sessionId: string, beforeId: string | undefined, limit: number): Promise<readonly string[]>;
  /** The atoms of a session with these ids, as far as they exist, in id order. */
  atoms(sessionId: string, ids: readonly string[]): Promise<readonly AtomRow[]>;
  /** A session's atoms in id order. */
  atomsAfter(sessionId: string, afterId: string | undefined, limit: number): Promise<readonly AtomRow[]>;
  /** A session's tombstones in the order of ids and owners. */
  tombstonesAfter(
    sessionId: string,
    after: Pick<TombstoneKey, "id" | "owner"> | undefined,
    limit: number,
  ): Promise<readonly Tombstone[]>;
  /**
   * Merges facts, all or nothing and idempotently; see `MemoryStorage.mergeFacts`.
   *
   * @throws {MemoryError} `conflict` or `permission` when it permanently refuses any of them.
   */
  merge(facts: Facts): Promise<Merged>;
  /**
   * Removes the bytes of deleted atoms from the store's files, after a series of `merge` calls; see
   * `MemoryStorage.residue`.
   */
  finishErasure?(): Promise<readonly ErasureResidue[]>;
}
