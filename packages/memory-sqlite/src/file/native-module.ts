import { MemoryError } from "@rivet/memory-core";

/** The versions of the runtime, as in `process.versions`. */
export type RuntimeVersions = Readonly<Record<string, string | undefined>>;

/**
 * The version of Node-API that better-sqlite3 is compiled for. On an older one it ends the process with a segmentation
 * fault.
 */
const NODE_API = 10;
/** Earlier versions of Bun announce this Node-API, and crash all the same. */
const OLDEST_BUN = [1, 4] as const;

/**
 * Refuses a runtime in which better-sqlite3 would end the process, before that is loaded. `open()` calls it; a program
 * may do so when it starts.
 *
 * @param versions default: those of this process.
 * @throws {MemoryError} `unavailable`, with the versions that work.
 * @example
 * assertSQLiteRuns(); // throws in Node.js 22.13
 */
export function assertSQLiteRuns(versions: RuntimeVersions = process.versions): void {
  const { node, napi, bun } = versions;
  const isTooOld = bun === undefined ? Number(napi) < NODE_API : isEarlier(bun, OLDEST_BUN);
  if (!isTooOld) return;
  throw new MemoryError({
    code: "unavailable",
    message:
      `SQLite needs Node.js 22.14 or later, or 23.6 or later, or Bun ${OLDEST_BUN.join(".")} or later, ` +
      `and this is ${bun === undefined ? `Node.js ${node}` : `Bun ${bun}`}; install a later version`,
    backend: "sqlite",
  });
}

function isEarlier(version: string, [oldestMajor, oldestMinor]: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
}
