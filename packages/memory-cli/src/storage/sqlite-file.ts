import { homedir } from "node:os";
import { sqlitePath } from "@rivet/memory-core";

/** Whether an address names a SQLite file. */
export function isSQLite(url: string): boolean {
  return url.startsWith("sqlite:");
}

/** The path of the file, or `:memory:`, that an address of SQLite names. @throws {MemoryError} `invalid_input`. */
export function sqliteFile(url: string): string {
  return sqlitePath(url, homedir) ?? "sessions.db";
}
