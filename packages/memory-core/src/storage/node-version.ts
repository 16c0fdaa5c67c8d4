import { MemoryError } from "../errors/errors.ts";

/** The oldest major version of Node.js on which the packages and what they depend on run. */
const OLDEST_MAJOR = 22;

/** The version of Node.js, where this is Node.js or what stands in for it. Browsers and workers have none. */
export function nodeVersion(): string | undefined {
  // The type of the global differs between Node.js, browsers and workers.
  const version: unknown = member(member(member(globalThis, "process"), "versions"), "node");
  return typeof version === "string" ? version : undefined;
}

/**
 * Refuses a Node.js that is too old, in one sentence, when a package is imported: what would fail there later is a syntax error
 * or a crash of some dependency.
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
