import type { MemoryStorage } from "@rivet/memory-core";
import type { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { usage } from "../usage-error.ts";

/** @throws {MemoryError} `invalid_input` for a backend that has one store and no others to replicate to. */
export function assertReplicated(storage: MemoryStorage): asserts storage is PostgresMemoryStorage {
  if (hasProviders(storage)) return;
  throw usage("this is about the providers of PostgreSQL: give postgres: and their variables in the environment");
}

/** By what it has, so that the package is loaded only where it is used. */
export function hasProviders(storage: MemoryStorage): storage is PostgresMemoryStorage {
  return "repair" in storage && "getReplicationStatus" in storage;
}
