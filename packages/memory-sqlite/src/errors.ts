/** Translates errors of SQLite and of the file system to `MemoryError`. */
import { MemoryError, type MemoryErrorInit } from "@rivet/memory-core";

type Meaning = Omit<MemoryErrorInit, "message"> & { readonly problem: string };

const NOT_APPLIED = "not_applied";

const NO_ACCESS: Meaning = { code: "permission", outcome: NOT_APPLIED, problem: "may not be accessed by this process" };
const NO_WRITE: Meaning = {
  code: "permission",
  outcome: NOT_APPLIED,
  problem: "is in a folder that this process may not write",
};
const NO_FOLDER: Meaning = {
  code: "invalid_input",
  outcome: NOT_APPLIED,
  problem: "cannot be created: a part of its path is a file, not a folder",
};

/** By the longest prefix of the native code; extended codes such as SQLITE_READONLY_DIRECTORY follow their kind. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  SQLITE_BUSY: {
    code: "unavailable",
    retryable: true,
    outcome: NOT_APPLIED,
    problem: "is held by another process; try again, or raise busyTimeoutMs",
  },
  SQLITE_LOCKED: {
    code: "unavailable",
    retryable: true,
    outcome: NOT_APPLIED,
    problem: "is locked by another connection; try again",
  },
  SQLITE_FULL: {
    code: "unavailable",
    retryable: true,
    outcome: NOT_APPLIED,
    problem: "cannot grow: the disk is full, or maxFileBytes is reached; free some space and try again",
  },
  SQLITE_IOERR: {
    code: "unavailable",
    retryable: true,
    outcome: "unknown",
    problem: "could not be read or written (an I/O error of the disk); try the same call again",
  },
  SQLITE_READONLY: {
    code: "permission",
    outcome: NOT_APPLIED,
    problem: "is read-only for this process; make the file and its folder writable",
  },
  SQLITE_PERM: NO_ACCESS,
  SQLITE_AUTH: NO_ACCESS,
  SQLITE_CANTOPEN: {
    code: "unavailable",
    outcome: NOT_APPLIED,
    problem: "cannot be opened; is it a folder, or is its folder not accessible?",
  },
  SQLITE_NOTADB: {
    code: "corrupt",
    outcome: NOT_APPLIED,
    problem: "is not a SQLite database; it was left as it is: choose another path",
  },
  SQLITE_CORRUPT: {
    code: "corrupt",
    outcome: NOT_APPLIED,
    problem: "is damaged; restore it from a backup, or recover what is left with the sqlite3 command .recover",
  },
  SQLITE_TOOBIG: { code: "invalid_input", outcome: NOT_APPLIED, problem: "cannot hold a value this large" },
  SQLITE_ERROR: {
    code: "schema",
    outcome: NOT_APPLIED,
    problem: "does not have the tables that this version expects",
  },
  EACCES: NO_WRITE,
  EPERM: NO_WRITE,
  EROFS: { code: "permission", outcome: NOT_APPLIED, problem: "is on a read-only file system" },
  ENOSPC: {
    code: "unavailable",
    retryable: true,
    outcome: NOT_APPLIED,
    problem: "cannot be created: the disk is full",
  },
  ENOTDIR: NO_FOLDER,
  EEXIST: NO_FOLDER,
};

/** The native code of an error, such as SQLITE_BUSY, or an empty string. */
function nativeCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

export function isBusy(error: unknown): boolean {
  return nativeCode(error).startsWith("SQLITE_BUSY");
}

/** The typed error for a native one. `file` is the path as the caller gave it. */
export function toSQLiteMemoryError(error: unknown, file: string): MemoryError {
  const code = nativeCode(error);
  const kind = Object.keys(MEANINGS).find((prefix) => code === prefix || code.startsWith(`${prefix}_`));
  const meaning = kind === undefined ? undefined : MEANINGS[kind];
  if (meaning === undefined) {
    const reason = error instanceof Error ? error.message : String(error);
    return new MemoryError({ code: "unknown", message: `${file}: ${reason}`, cause: error });
  }
  const { problem, ...init } = meaning;
  return new MemoryError({ ...init, message: `${file} ${problem} (${code})`, cause: error });
}

/** The file was written by a later version of this package. */
export function newerSchema(file: string, version: number, supported: number): MemoryError {
  return new MemoryError({
    code: "schema",
    message: `${file} has schema version ${version}, this package knows ${supported}; upgrade @rivet/memory-sqlite`,
  });
}

/** The file, or its log, is not the one that was opened. */
export function movedFile(file: string): MemoryError {
  return new MemoryError({
    code: "unavailable",
    outcome: "not_applied",
    message: `${file} is no longer the file that this storage opened: it or its log was removed or replaced, and nothing was saved. Put it back, or close this storage and open a new one`,
  });
}

/** The file is a database, but not ours. */
export function foreignDatabase(file: string): MemoryError {
  return new MemoryError({
    code: "schema",
    message: `${file} is a database of another application; it was left as it is: choose another path`,
  });
}
