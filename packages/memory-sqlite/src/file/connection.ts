import { randomUUID } from "node:crypto";
import { ownerOf } from "@rivet/memory-core";
import Database from "better-sqlite3";
import type { Connection } from "./database.ts";
import { retryWhileBusy } from "./busy.ts";
import { foreignDatabase, newerSchema } from "../errors.ts";
import { LOG_PAGES, MAX_LOG_BYTES } from "./log.ts";
import { assertSQLiteRuns } from "./native-module.ts";
import { APPLICATION_ID, MIGRATIONS, OWNER_FUNCTION, SCHEMA_VERSION } from "./migrations.ts";
import { IN_MEMORY_PATH, type Settings } from "../options.ts";
import { makePrivateFile } from "./private-files.ts";

/**
 * Opens the file, makes it and its folders for this user alone where they are not there, and brings its tables up to
 * date. Safe when several processes do so at once: one migrates, the others wait and find it done. A file that is not
 * ours is not touched.
 */
export async function openConnection(path: string, settings: Settings, nowMs: number): Promise<Connection> {
  assertSQLiteRuns();
  if (path !== IN_MEMORY_PATH) makePrivateFile(path);
  // SQLite's own waiting would block the event loop: `retryWhileBusy` waits instead.
  const connection = new Database(path, { timeout: 0 });
  const whenFree = <Result>(attempt: () => Result): Promise<Result> => retryWhileBusy(attempt, settings.busyTimeoutMs);
  try {
    // As of one moment: another process may be creating the tables.
    const check = connection.transaction(() => checkedVersion(connection, path));
    const version = await whenFree(check.deferred);
    await whenFree(() => configure(connection, settings));
    if (version < SCHEMA_VERSION) await whenFree(() => migrate(connection, path, nowMs));
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

function configure(connection: Connection, { durability, maxFileBytes }: Settings): void {
  connection.pragma("journal_mode = WAL");
  connection.pragma(`wal_autocheckpoint = ${LOG_PAGES}`);
  connection.pragma(`journal_size_limit = ${MAX_LOG_BYTES}`);
  // Deleted rows are overwritten with zeros: with FAST, pages that become free would keep theirs.
  connection.pragma("secure_delete = ON");
  connection.pragma(`synchronous = ${durability === "full" ? "FULL" : "NORMAL"}`);
  if (maxFileBytes !== undefined) limitFile(connection, maxFileBytes);
}

/** From now on; a file that is larger already grows no more. */
export function limitFile(connection: Connection, maxBytes: number): void {
  const pageBytes = Number(connection.pragma("page_size", { simple: true }));
  connection.pragma(`max_page_count = ${Math.max(1, Math.floor(maxBytes / pageBytes))}`);
}

/** Returns the number of migrations that the file has. */
function checkedVersion(connection: Connection, path: string): number {
  const version = Number(connection.pragma("user_version", { simple: true }));
  const applicationId = Number(connection.pragma("application_id", { simple: true }));
  const isEmpty = connection.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
  if (applicationId !== APPLICATION_ID && !(isEmpty && applicationId === 0 && version === 0))
    throw foreignDatabase(path);
  if (version > SCHEMA_VERSION) throw newerSchema(path, version, SCHEMA_VERSION);
  return version;
}

function migrate(connection: Connection, path: string, nowMs: number): void {
  connection.function(OWNER_FUNCTION, { deterministic: true }, (userId) => ownerOf(String(userId)));
  const steps = connection.transaction(() => {
    // Another process may have been faster.
    const version = checkedVersion(connection, path);
    for (const sql of MIGRATIONS.slice(version)) connection.exec(sql);
    if (version === 0) {
      connection
        .prepare("INSERT INTO rivet_store (store_uuid, schema_version, heartbeat, erasures) VALUES (?, ?, ?, 0)")
        .run(randomUUID(), SCHEMA_VERSION, nowMs);
    } else {
      connection.prepare("UPDATE rivet_store SET schema_version = ?").run(SCHEMA_VERSION);
    }
    connection.pragma(`application_id = ${APPLICATION_ID}`);
    connection.pragma(`user_version = ${SCHEMA_VERSION}`);
  });
  steps.immediate();
}
