import {
  MEMORY_STORAGE_FIELDS,
  MemoryError,
  type AtomTypes,
  type MemoryStorageOptions,
  type OptionFields,
} from "@rivet/memory-core";

/**
 * When a save counts as done. `full`: on the disk, so that it survives a power cut (`PRAGMA synchronous = FULL`).
 * `normal`: with the operating system, so that it survives the death of the process; a power cut may take the last
 * saves, and never leaves half of one.
 */
export type Durability = "full" | "normal";

export interface SQLiteStorageOptions<Types extends AtomTypes = {}> extends MemoryStorageOptions<Types> {
  /** Default: `full`. */
  durability?: Durability;
  /** The time to wait for another process that holds the file, in milliseconds; then `unavailable`. Default: 5,000. */
  busyTimeoutMs?: number;
  /** The largest size of the database file, in bytes; a save that needs more is `unavailable`. Default: no bound. */
  maxFileBytes?: number;
  /**
   * The largest file, in bytes, that a call which erases rewrites, so that nothing of what it erased is left in it:
   * with 0 none does, and `close()` does it for all. Default: 256 MiB.
   */
  maxCompactionBytes?: number;
}

export const SQLITE_STORAGE_FIELDS: OptionFields<SQLiteStorageOptions<AtomTypes>> = {
  ...MEMORY_STORAGE_FIELDS,
  durability: "setting",
  busyTimeoutMs: "setting",
  maxFileBytes: "setting",
  maxCompactionBytes: "setting",
};

export interface Settings {
  readonly durability: Durability;
  readonly busyTimeoutMs: number;
  readonly maxFileBytes: number | undefined;
  readonly maxCompactionBytes: number;
}

const DEFAULT_MAX_COMPACTION_BYTES = 256 * 1024 * 1024;

export const DEFAULT_PATH = "sessions.db";
/** The path of a database that lives in this storage object alone. */
export const IN_MEMORY_PATH = ":memory:";

/** @throws {MemoryError} `invalid_input` with the path of the offending option. */
export function parseSettings(options: SQLiteStorageOptions<AtomTypes>): Settings {
  const { durability = "full", busyTimeoutMs = 5_000, maxFileBytes } = options;
  const { maxCompactionBytes = DEFAULT_MAX_COMPACTION_BYTES } = options;
  if (durability !== "full" && durability !== "normal") throw invalid("options.durability", "must be full or normal");
  if (!isAmount(busyTimeoutMs)) throw invalid("options.busyTimeoutMs", "must be a number of milliseconds, at least 0");
  if (maxFileBytes !== undefined && !isAmount(maxFileBytes)) {
    throw invalid("options.maxFileBytes", "must be a number of bytes, at least 0");
  }
  if (!isAmount(maxCompactionBytes)) {
    throw invalid("options.maxCompactionBytes", "must be a number of bytes, at least 0");
  }
  return { durability, busyTimeoutMs, maxFileBytes, maxCompactionBytes };
}

function isAmount(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && Number.isFinite(value);
}

function invalid(path: string, problem: string): MemoryError {
  return new MemoryError({ code: "invalid_input", message: `${path} ${problem}`, path, backend: "sqlite" });
}
