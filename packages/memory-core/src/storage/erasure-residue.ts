/** The residue of an erasure: bytes that stay in a store's files, where no read finds them. */

/** A place that may still hold bytes of what was erased. No read returns them; a look at the raw files might find them. */
export interface ErasureResidue {
  /** The store, as `acceptedBy` names it. */
  readonly store: string;
  /**
   * - `file`: the database file, in room that no row uses;
   * - `log`: the write-ahead log of the database;
   * - `copies`: standbys, archives of the log, backups;
   * - `replica`: rows that a copy of the store still holds.
   */
  readonly place: "file" | "log" | "copies" | "replica";
  /**
   * - `reader`: another process reads an older state, or holds the file;
   * - `size`: the file is larger than a call may rewrite (`maxCompactionBytes`);
   * - `failed`: the file could not be rewritten, for instance for want of room on the disk;
   * - `vacuum`: the database keeps dead rows until it vacuums, and their bytes until it uses their room again;
   * - `retention`: the database or its operator keeps it for a time that a client cannot see;
   * - `replication`: the erasure is on its way there.
   */
  readonly reason: "reader" | "size" | "failed" | "vacuum" | "retention" | "replication";
  /** The event that ends it, as a sentence. */
  readonly until: string;
}
