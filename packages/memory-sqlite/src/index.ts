export { SQLiteStorage } from "./sqlite-storage.ts";
export type { Durability, SQLiteStorageOptions } from "./options.ts";
