import type { Measure } from "../measure.ts";
import { lookAtConsole } from "./console.ts";
import { copyLargeFile } from "./copy.ts";
import { saveInMemory } from "./inmemory-save.ts";
import { saveToLongSessionInPostgres } from "./postgres-long-session.ts";
import { catchUp, repairLargeStores, saveReplicated } from "./postgres-replication.ts";
import { eraseUsers } from "./sqlite-erase.ts";
import { amongMillionAtoms } from "./sqlite-read.ts";
import { saveAtOnce, saveToLongSession } from "./sqlite-save.ts";

/** The measurements against hand-written code, or against another mode of ours, in one process. */
export const MEASURES: Readonly<Record<string, () => Promise<Measure | Measure[]>>> = {
  "sqlite-at-once": saveAtOnce,
  "sqlite-long-session": saveToLongSession,
  "sqlite-million": amongMillionAtoms,
  "sqlite-erase": eraseUsers,
  "inmemory-save": saveInMemory,
  "postgres-long-session": saveToLongSessionInPostgres,
  copy: copyLargeFile,
  "replication-save": saveReplicated,
  "replication-catch-up": catchUp,
  "replication-repair": repairLargeStores,
  console: lookAtConsole,
};
