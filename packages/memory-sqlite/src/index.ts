export { SCHEMA_VERSION } from "./migrations.ts";
export { assertSQLiteRuns, type RuntimeVersions } from "./native-module.ts";
export { SQLiteStorage } from "./sqlite-storage.ts";
export type { Durability, SQLiteStorageOptions } from "./options.ts";
