/** Makes files and folders that only this user can read and write, whatever the umask of the process. */
import { chmodSync, closeSync, existsSync, fchmodSync, mkdirSync, openSync } from "node:fs";
import { dirname, resolve } from "node:path";

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/**
 * Makes a file and its folders, where they are not there. SQLite gives its log and its index the rights of the file.
 *
 * All in one go: to close a file that SQLite has opened meanwhile in this process would end its locks.
 *
 * @throws what the file system says, such as EACCES.
 */
export function makePrivateFile(path: string): void {
  makePrivateFolder(dirname(resolve(path)));
  let descriptor: number;
  try {
    descriptor = openSync(path, "wx", FILE_MODE);
  } catch (error) {
    if (isThere(error)) return;
    throw error;
  }
  try {
    fchmodSync(descriptor, FILE_MODE);
  } finally {
    closeSync(descriptor);
  }
}

function makePrivateFolder(folder: string): void {
  if (existsSync(folder)) return;
  makePrivateFolder(dirname(folder));
  try {
    mkdirSync(folder, { mode: FOLDER_MODE });
  } catch (error) {
    // Another process was faster.
    if (isThere(error)) return;
    throw error;
  }
  chmodSync(folder, FOLDER_MODE);
}

function isThere(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EEXIST";
}
