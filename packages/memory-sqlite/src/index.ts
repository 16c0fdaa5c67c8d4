export { SQLiteStorage } from "./sqlite-storage.ts";
export type { SQLiteStorageOptions } from "./options.ts";
