export { SCHEMA_VERSION } from "./migrations.ts";
export { SQLiteStorage } from "./sqlite-storage.ts";
export type { Durability, SQLiteStorageOptions } from "./options.ts";
