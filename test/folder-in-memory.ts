import { existsSync, statfsSync } from "node:fs";

/** Linux keeps files of this folder in memory. */
const FOLDER = "/dev/shm";
/** All servers that run at the same time need less than half of it. A container has 64 MB by default. */
const NEEDED_BYTES = 4 * 1024 ** 3;

/** A folder whose files are kept in memory, where the machine has one with enough room. */
export function folderInMemory(): string | undefined {
  if (!existsSync(FOLDER)) return undefined;
  const { bavail, bsize } = statfsSync(FOLDER);
  return bavail * bsize >= NEEDED_BYTES ? FOLDER : undefined;
}
