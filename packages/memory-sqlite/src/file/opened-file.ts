/**
 * Notices that the file which SQLite has open is no longer the one at its path: a commit would be acknowledged, and
 * nobody would find it. It compares the numbers that the file system gives to files, and so does not see that somebody
 * else has written into the same file.
 *
 * The file and its log are looked at only when their folder has changed, as it does when a file in it is removed,
 * renamed or replaced. A look at the log has a price beyond its own: Linux gives a file whose times were read new ones
 * with the next write (multigrain timestamps, Linux 6.13), and `fsync` then writes them too, which makes a commit a
 * tenth longer.
 */
import { closeSync, fstatSync, lstatSync, openSync, realpathSync, statSync, type Stats } from "node:fs";
import { dirname, resolve } from "node:path";
import { movedFile } from "../errors.ts";

/**
 * Within this time after a change, a second one may leave a folder with the same time: file systems round to the tick
 * of the kernel's clock, at most 16 ms, or to one or two whole seconds.
 */
const FINE_TIME_MS = 100;
const WHOLE_SECONDS_MS = 2_500;

/** The time for which a folder is assumed to be at its path. Following the path takes twice as long as `fstat`. */
const PATH_INTERVAL_MS = 50;

interface Entry {
  readonly path: string;
  readonly device: number;
  readonly inode: number;
}

export class OpenedFile {
  readonly logPath: string;
  readonly #name: string;
  readonly #now: () => number;
  readonly #database: Entry;
  readonly #log: Entry;
  /** Undefined for a link, which may come to lead elsewhere without any change in the folder of the file. */
  readonly #folder: OpenedFolder | undefined;
  /** The folder as it was when both files were found in it; undefined when they have to be looked at the next time. */
  #seen: Stats | undefined;

  /**
   * @param path of a file that is open in WAL mode, so that its log is there too.
   * @param now the clock of the file system, in milliseconds since 1970.
   */
  constructor(path: string, now: () => number = Date.now) {
    this.#name = path;
    this.#now = now;
    // The process may go to another folder, and a link may come to lead elsewhere.
    this.#database = entryAt(resolve(path), path);
    this.logPath = `${realpathSync(path)}-wal`;
    this.#log = entryAt(this.logPath, path);
    const isLink = lstatSync(this.#database.path).isSymbolicLink();
    this.#folder = isLink ? undefined : new OpenedFolder(dirname(this.#database.path));
  }

  /**
   * To be called before each commit.
   *
   * @throws {MemoryError} `unavailable` when the file or its log was removed or replaced, also within a folder that
   *   was. A folder above that was moved is noticed within 50 ms.
   */
  assertInPlace(): void {
    const nowMs = this.#now();
    // The folder comes first: a change after that is found the next time.
    const folder = this.#folder?.stats(nowMs);
    if (folder !== undefined && isUnchanged(folder, this.#seen)) return;
    if (!isInPlace(this.#database) || !isInPlace(this.#log)) throw movedFile(this.#name);
    this.#seen = folder !== undefined && isSettled(folder, nowMs) ? folder : undefined;
  }

  close(): void {
    this.#folder?.close();
  }
}

class OpenedFolder {
  readonly #path: string;
  readonly #descriptor: number | undefined;
  #followedMs = 0;

  constructor(path: string) {
    this.#path = path;
    this.#descriptor = descriptorOf(path);
  }

  stats(nowMs: number): Stats | undefined {
    const isRecent = Math.abs(nowMs - this.#followedMs) < PATH_INTERVAL_MS;
    if (isRecent && this.#descriptor !== undefined) return fstatSync(this.#descriptor);
    this.#followedMs = nowMs;
    return statsOf(this.#path);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }
}

/** Undefined where a folder cannot be opened, as on Windows. */
function descriptorOf(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch {
    return undefined;
  }
}

function entryAt(path: string, name: string): Entry {
  const stats = statsOf(path);
  if (stats === undefined) throw movedFile(name);
  return { path, device: stats.dev, inode: stats.ino };
}

function isInPlace({ path, device, inode }: Entry): boolean {
  const stats = statsOf(path);
  return stats?.ino === inode && stats.dev === device;
}

/** No program can set the time of the last change (`ctime`), as a copy sets that of the last modification. */
function isUnchanged(folder: Stats, seen: Stats | undefined): boolean {
  return folder.ctimeMs === seen?.ctimeMs && folder.ino === seen.ino && folder.dev === seen.dev;
}

/** Whether a change from now on gives the folder another time than it has. */
export function isSettled({ ctimeMs }: Stats, nowMs: number): boolean {
  return nowMs - ctimeMs > (ctimeMs % 1_000 === 0 ? WHOLE_SECONDS_MS : FINE_TIME_MS);
}

function statsOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
