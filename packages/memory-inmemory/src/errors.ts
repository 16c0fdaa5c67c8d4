import { MemoryError } from "@rivet/memory-core";

/** The write would exceed `maxAtoms`. */
export function atCapacity(maxAtoms: number): MemoryError {
  return new MemoryError({
    code: "unavailable",
    message: `the storage holds at most maxAtoms = ${maxAtoms} atoms, and this write needs more; delete sessions, or raise maxAtoms`,
    outcome: "not_applied",
  });
}

/** Nothing native can fail here: what arrives is a fault of this package, passed on as it is. */
export function toInMemoryError(error: unknown): MemoryError {
  const reason = error instanceof Error ? error.message : String(error);
  return new MemoryError({ code: "unknown", message: reason, cause: error });
}
