import type { ErasureResidue } from "@rivet/memory-core";
import { LOCAL } from "../journal/local-journal.ts";

/**
 * Returns the residue of deleted rows in PostgreSQL. A client can neither see nor remove it: `VACUUM` frees the space
 * of dead rows without overwriting it, and the write-ahead log belongs to the server.
 */
export function postgresResidue(store: string): readonly ErasureResidue[] {
  return [
    {
      store,
      place: "file",
      reason: "vacuum",
      until:
        "Dead rows stay in the tables and their indexes until VACUUM, which autovacuum runs automatically once no older transaction is open; their bytes stay until the space is reused. VACUUM FULL of the tables removes both at once.",
    },
    {
      store,
      place: "log",
      reason: "retention",
      until:
        "The write-ahead log keeps the rows as they were saved until its files are removed or reused after a checkpoint; max_wal_size, wal_keep_size and replication slots decide when.",
    },
    {
      store,
      place: "copies",
      reason: "retention",
      until: "Archives of the log, backups and branches keep the rows for as long as their operator keeps them.",
    },
  ];
}

/** The residue in the file of the local replica, until the replica has caught up. */
export const REPLICA_RESIDUE: ErasureResidue = {
  store: LOCAL,
  place: "replica",
  reason: "replication",
  until:
    "The local replica holds the rows until its next comparison with a provider, which runs right after a deletion.",
};
