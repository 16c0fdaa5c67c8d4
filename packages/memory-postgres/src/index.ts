export type { JournalStorage } from "./local-journal.ts";
export type { PostgresMemoryStorageOptions } from "./options.ts";
export { PostgresMemoryStorage } from "./postgres-storage.ts";
