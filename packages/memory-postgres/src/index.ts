export type { JournalStorage } from "./journal/local-journal.ts";
export type { PostgresMemoryStorageOptions } from "./options.ts";
export { PostgresMemoryStorage } from "./postgres-storage.ts";
export type { AtomPlaces } from "./replication/places.ts";
export type { RepairOptions, RepairProgress, RepairReport } from "./replication/repair.ts";
export type { Acknowledge, ReplicationMode, ReplicationOptions } from "./replication/settings.ts";
export type { DeadLetter, JournalStatus, ReplicationPair, ReplicationStatus } from "./replication/status.ts";
