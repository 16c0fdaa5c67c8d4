export { SCHEMA_VERSION } from "./file/migrations.ts";
export { assertSQLiteRuns, type RuntimeVersions } from "./file/native-module.ts";
export { SQLiteStorage } from "./sqlite-storage.ts";
export type { Durability, SQLiteStorageOptions } from "./options.ts";
