import type { BackendLoaders } from "@rivet/memory-core";

/**
 * The backends are dependencies of this package, and of the core they are none: where packages are kept apart, only
 * this one finds them.
 */
export const BACKENDS: BackendLoaders = {
  memory: () => import("@rivet/memory-inmemory"),
  sqlite: () => import("@rivet/memory-sqlite"),
  supabase: () => import("@rivet/memory-supabase"),
  postgres: () => import("@rivet/memory-postgres"),
};
