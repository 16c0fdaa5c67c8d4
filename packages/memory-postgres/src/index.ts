export type { PostgresMemoryStorageOptions } from "./options.ts";
export { PostgresMemoryStorage } from "./postgres-storage.ts";
