/** The residue of an erasure: bytes that remain in a store's files, where no read finds them. */

/**
 * A place that may still hold erased bytes. No read returns them, but an inspection of the raw files might find them.
 */
export interface ErasureResidue {
  /** The store, as `acceptedBy` names it. */
  readonly store: string;
  /**
   * - `file`: the database file, in space that no row uses;
   * - `log`: the write-ahead log of the database;
   * - `copies`: standbys, archives of the log, backups;
   * - `replica`: rows that a copy of the store still holds.
   */
  readonly place: "file" | "log" | "copies" | "replica";
  /**
   * - `reader`: another process reads an older state, or has the file open;
   * - `size`: the file is larger than a call may rewrite (`maxCompactionBytes`);
   * - `failed`: the file could not be rewritten, for instance because the disk is full;
   * - `vacuum`: the database keeps dead rows until a vacuum, and their bytes until it reuses their space;
   * - `retention`: the database or its operator keeps it for a time that a client cannot see;
   * - `replication`: the erasure has not been replicated there yet.
   */
  readonly reason: "reader" | "size" | "failed" | "vacuum" | "retention" | "replication";
  /** The event that removes the bytes, as a sentence. */
  readonly until: string;
}
