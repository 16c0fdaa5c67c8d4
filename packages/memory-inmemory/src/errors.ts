import { MemoryError } from "@rivet/memory-core";

/** The error for a write that would exceed `maxAtoms`. */
export function atCapacity(maxAtoms: number): MemoryError {
  return new MemoryError({
    code: "unavailable",
    message: `the storage holds at most maxAtoms = ${maxAtoms} atoms, and this write needs more; delete sessions, or raise maxAtoms`,
    outcome: "not_applied",
  });
}

/**
 * Converts any other error. This backend has no native errors, so the error is a bug of this package and is passed on
 * as the cause.
 */
export function toInMemoryError(error: unknown): MemoryError {
  const reason = error instanceof Error ? error.message : String(error);
  return new MemoryError({ code: "unknown", message: reason, cause: error });
}
