/** A store as replication sees it: digests to compare it by, facts to read, and a way to take facts. */
import type { ErasureResidue } from "../storage/erasure-residue.ts";
import type { AtomRow } from "../backend/atom-row.ts";
import type { Facts, Merged, Tombstone, TombstoneKey } from "../backend/storage-hooks.ts";

/** Sessions after one id, up to and including another; without `through`, to the end. Ids are ordered by UTF-8 bytes. */
export interface SessionRange {
  readonly after: string;
  readonly through?: string | undefined;
}

/** What one session holds. Two stores with equal digests hold the same of it. */
export interface SessionDigest {
  readonly sessionId: string;
  readonly atomCount: number;
  /** The XOR of the atoms' ids. */
  readonly idXor: string;
  readonly tombstoneCount: number;
  /** The XOR of `digestOfTombstone` over its tombstones. */
  readonly tombstoneXor: string;
}

/** The sessions from the end of the range before up to `through`, as one digest. */
export interface RangeDigest {
  readonly through: string;
  /** The XOR of `hashOfSession` over the sessions, in the form of a UUID. */
  readonly digest: string;
}

/** Every method may be called while others write: what is read is then as of some moment of the call. */
export interface Replica {
  /** How reports name it. */
  readonly name: string;
  /** The next ranges of `rangeSessions` sessions each, `limit` of them at the most; none when there are no more sessions. */
  rangesAfter(sessionId: string, rangeSessions: number, limit: number): Promise<readonly RangeDigest[]>;
  /** One digest for each range. */
  digestsOf(ranges: readonly SessionRange[]): Promise<readonly string[]>;
  /** The first sessions of a range that hold an atom or a tombstone, in the order of their ids. */
  sessions(range: SessionRange, limit: number): Promise<readonly SessionDigest[]>;
  /** Ids of a session's atoms, newest first. */
  atomIds(sessionId: string, beforeId: string | undefined, limit: number): Promise<readonly string[]>;
  /** Those of a session's atoms that are there, in id order. */
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
   * Takes facts, all or nothing and idempotently; see `MemoryStorage.mergeFacts`.
   *
   * @throws {MemoryError} `conflict` or `permission` when it refuses any of them for good.
   */
  merge(facts: Facts): Promise<Merged>;
  /** Ends what removed atoms left in the store's files, after a series of `merge`; see `MemoryStorage.residue`. */
  finishErasure?(): Promise<readonly ErasureResidue[]>;
}
