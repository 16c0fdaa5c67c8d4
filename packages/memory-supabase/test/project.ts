import { readFileSync } from "node:fs";
import { startSupabase, type LocalSupabase, type SupabaseOptions } from "@rivet/local-servers";
import { MIGRATION_FILE, SupabaseMemoryStorage } from "@rivet/memory-supabase";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { afterAll, beforeAll, onTestFinished } from "vitest";

const START_TIMEOUT_MS = 60_000;

/** The file that users apply. */
export const MIGRATION = readFileSync(new URL(`../${MIGRATION_FILE}`, import.meta.url), "utf8");

/** Takes everything of Rivet Memory from a project. */
export const EMPTY_PROJECT =
  "DROP SCHEMA public CASCADE; DROP SCHEMA IF EXISTS rivet_public CASCADE; CREATE SCHEMA public AUTHORIZATION project_owner";

/** The tables, in the schema `rivet_public`. */
export const TABLES = [
  "session_memories",
  "session_heads",
  "session_tombstones",
  "replication_hints",
  "replication_peers",
  "replication_dead_letters",
  "rivet_store",
] as const;

/**
 * A project for all tests of a file.
 *
 * @param prepare what is to be there before its API is asked: it has learnt of that then. Default: the migration.
 * @returns a function that gives it, once the tests run.
 */
export function sharedProject(
  options: SupabaseOptions = {},
  prepare: (project: LocalSupabase) => Promise<void> = (project) => project.apply(MIGRATION),
): () => LocalSupabase {
  let project: LocalSupabase | undefined;
  beforeAll(async () => {
    project = await startSupabase(options);
    await prepare(project);
    await project.postgrest.restart();
  }, START_TIMEOUT_MS);
  afterAll(async () => {
    await project?.[Symbol.asyncDispose]();
  });
  return () => {
    if (project === undefined) throw new Error("the project has not started");
    return project;
  };
}

/** A client of a user who has signed in. */
export function clientOfUser({ url, keys, tokenOf }: LocalSupabase, userId: string): SupabaseClient {
  return createClient(url, keys.publishable, { accessToken: async () => tokenOf(userId) });
}

/** A storage that is closed when the test ends. */
export function storageForTest(
  ...options: ConstructorParameters<typeof SupabaseMemoryStorage<{}>>
): SupabaseMemoryStorage {
  const storage = new SupabaseMemoryStorage(...options);
  onTestFinished(() => storage.close());
  return storage;
}
