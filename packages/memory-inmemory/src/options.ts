import {
  MEMORY_STORAGE_FIELDS,
  MemoryError,
  type AtomTypes,
  type MemoryStorageOptions,
  type OptionFields,
} from "@rivet/memory-core";

export interface InMemoryStorageOptions<Types extends AtomTypes = {}> extends MemoryStorageOptions<Types> {
  /**
   * The maximum number of atoms; a write that needs more fails as `unavailable`. Nothing is ever evicted. Default:
   * unlimited.
   */
  maxAtoms?: number;
}

export const INMEMORY_STORAGE_FIELDS: OptionFields<InMemoryStorageOptions<AtomTypes>> = {
  ...MEMORY_STORAGE_FIELDS,
  maxAtoms: "setting",
};

/**
 * @param options The options, already read.
 * @throws {MemoryError} `invalid_input` for a bound that is not a whole number of at least 1.
 */
export function parseMaxAtoms({ maxAtoms }: InMemoryStorageOptions<AtomTypes>): number {
  if (maxAtoms === undefined) return Number.POSITIVE_INFINITY;
  if (Number.isSafeInteger(maxAtoms) && maxAtoms >= 1) return maxAtoms;
  throw new MemoryError({
    code: "invalid_input",
    message: "options.maxAtoms must be a whole number of at least 1",
    path: "options.maxAtoms",
    backend: "inmemory",
  });
}
