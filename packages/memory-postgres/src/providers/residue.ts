import type { ErasureResidue } from "@rivet/memory-core";
import { LOCAL } from "../journal/local-journal.ts";

/**
 * The residue of deleted rows in PostgreSQL. A client can neither see it nor end it for others: `VACUUM` frees the room
 * of dead rows and overwrites none of it, and the write-ahead log is the server's.
 */
export function postgresResidue(store: string): readonly ErasureResidue[] {
  return [
    {
      store,
      place: "file",
      reason: "vacuum",
      until:
        "Dead rows stay in the tables and their indexes until VACUUM, which autovacuum runs by itself once no older transaction is open; their bytes stay until the room is used again. VACUUM FULL of the tables ends both at once.",
    },
    {
      store,
      place: "log",
      reason: "retention",
      until:
        "The write-ahead log keeps the rows as they were saved until a checkpoint has let its files be removed or written anew; max_wal_size, wal_keep_size and replication slots say when.",
    },
    {
      store,
      place: "copies",
      reason: "retention",
      until: "Archives of the log, backups and branches keep the rows for as long as their operator keeps them.",
    },
  ];
}

/** The residue in the file of the local replica, until it has caught up. */
export const REPLICA_RESIDUE: ErasureResidue = {
  store: LOCAL,
  place: "replica",
  reason: "replication",
  until:
    "The local replica holds the rows until it has compared itself with a provider, which it does right after a deletion.",
};
