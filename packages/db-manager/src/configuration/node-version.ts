import { DatabaseError } from "../errors/errors.ts";

/** The oldest major version of Node.js on which this package runs. */
const OLDEST_MAJOR = 22;

/**
 * Refuses a version of Node.js that is too old, when the package is imported.
 *
 * @throws {DatabaseError} `unavailable`.
 */
export function assertNodeVersion(version: string): void {
  if (Number.parseInt(version, 10) >= OLDEST_MAJOR) return;
  throw new DatabaseError({
    code: "unavailable",
    message: `@rivet/db-manager needs Node.js ${OLDEST_MAJOR} or later, and this is Node.js ${version}; install a later one from https://nodejs.org`,
    outcome: "not_applied",
  });
}
