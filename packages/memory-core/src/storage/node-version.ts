import { MemoryError } from "../errors/errors.ts";

/** The oldest major version of Node.js that the packages and their dependencies support. */
const OLDEST_MAJOR = 22;

/** The version of Node.js, or of a compatible runtime. Browsers and workers have none. */
export function nodeVersion(): string | undefined {
  // The type of the global differs between Node.js, browsers and workers.
  const version: unknown = member(member(member(globalThis, "process"), "versions"), "node");
  return typeof version === "string" ? version : undefined;
}

/**
 * Refuses an old Node.js with a clear error when a package is imported; otherwise it would fail later with a syntax
 * error or a crash in a dependency.
 *
 * @throws {MemoryError} `unavailable`.
 */
export function assertNodeVersion(version: string | undefined): void {
  if (version === undefined || Number.parseInt(version, 10) >= OLDEST_MAJOR) return;
  throw new MemoryError({
    code: "unavailable",
    message: `Rivet Memory needs Node.js ${OLDEST_MAJOR} or later, and this is Node.js ${version}; install a later one from https://nodejs.org`,
  });
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
