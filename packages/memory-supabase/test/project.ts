import { startSupabase, type LocalSupabase, type SupabaseOptions } from "@rivet/local-servers";
import { afterAll, beforeAll } from "vitest";

const START_TIMEOUT_MS = 60_000;

/**
 * A project for all tests of a file.
 *
 * @param prepare what is to be there before its API is asked: it has learnt of that then.
 * @returns a function that gives it, once the tests run.
 */
export function sharedProject(
  options: SupabaseOptions,
  prepare: (project: LocalSupabase) => Promise<void>,
): () => LocalSupabase {
  let project: LocalSupabase | undefined;
  beforeAll(async () => {
    project = await startSupabase(options);
    await prepare(project);
    await apiKnowsAll(project);
  }, START_TIMEOUT_MS);
  afterAll(async () => {
    await project?.[Symbol.asyncDispose]();
  });
  return () => {
    if (project === undefined) throw new Error("the project has not started");
    return project;
  };
}

/** A restart reads the schema anew. */
async function apiKnowsAll({ postgrest }: LocalSupabase): Promise<void> {
  await postgrest.stop();
  await postgrest.start();
}
