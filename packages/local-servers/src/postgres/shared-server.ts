import { startPostgres, type PostgresOptions, type PostgresServer } from "./postgres.ts";

/** The hooks of a test runner, for all tests of a file. */
interface Hooks {
  readonly beforeAll: (hook: () => Promise<void>, timeoutMs: number) => unknown;
  readonly afterAll: (hook: () => Promise<void>) => unknown;
}

const START_TIMEOUT_MS = 120_000;

/**
 * A server for all tests of a file.
 *
 * @returns a function that gives it, once the tests run.
 */
export function sharedServer({ beforeAll, afterAll }: Hooks, options?: PostgresOptions): () => PostgresServer {
  let server: PostgresServer | undefined;
  beforeAll(async () => {
    server = await startPostgres(options);
  }, START_TIMEOUT_MS);
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });
  return () => {
    if (server === undefined) throw new Error("the server has not started");
    return server;
  };
}
