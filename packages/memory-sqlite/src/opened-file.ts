/**
 * Notices that the file which SQLite has open is no longer the one at its path: a commit would be acknowledged, and nobody
 * would find it. It compares the numbers that the file system gives to files, and so does not see that somebody else has
 * written into the same file.
 */
import { realpathSync, statSync, type Stats } from "node:fs";
import { resolve } from "node:path";
import { movedFile } from "./errors.ts";

interface Entry {
  readonly path: string;
  readonly device: number;
  readonly inode: number;
}

export class OpenedFile {
  readonly #name: string;
  readonly #database: Entry;
  readonly #log: Entry;

  /** @param path of a file that is open in WAL mode, so that its log is there too. */
  constructor(path: string) {
    this.#name = path;
    // The process may go to another folder, and a link may come to lead elsewhere.
    this.#database = entryAt(resolve(path), path);
    this.#log = entryAt(`${realpathSync(path)}-wal`, path);
  }

  /**
   * To be called before each commit.
   *
   * @returns how long the log is, in bytes.
   * @throws {MemoryError} `unavailable` when the file or its log was removed or replaced.
   */
  assertInPlace(): number {
    const log = statSync(this.#log.path, { throwIfNoEntry: false });
    const database = statSync(this.#database.path, { throwIfNoEntry: false });
    if (!isAt(this.#database, database) || !isAt(this.#log, log)) throw movedFile(this.#name);
    return log?.size ?? 0;
  }
}

function entryAt(path: string, name: string): Entry {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw movedFile(name);
  return { path, device: stats.dev, inode: stats.ino };
}

function isAt({ device, inode }: Entry, stats: Stats | undefined): boolean {
  return stats?.ino === inode && stats.dev === device;
}
