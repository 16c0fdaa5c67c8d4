import type { ErasureResidue } from "@rivet/memory-core";

/** The residue of deleted rows in the project's PostgreSQL: a client over REST can neither see it nor end it. */
export const RESIDUE: readonly Omit<ErasureResidue, "store">[] = [
  {
    place: "file",
    reason: "vacuum",
    until:
      "Dead rows stay in the tables and their indexes until VACUUM, which autovacuum runs by itself once no older transaction is open; their bytes stay until the room is used again. VACUUM FULL of the tables, over a direct connection, ends both at once.",
  },
  {
    place: "log",
    reason: "retention",
    until:
      "The write-ahead log keeps the rows as they were saved until a checkpoint has let its files be removed or written anew.",
  },
  {
    place: "copies",
    reason: "retention",
    until: "Backups, point-in-time recovery and read replicas keep the rows for as long as the project's plan says.",
  },
];
