import { startPostgres, type PostgresOptions, type PostgresServer } from "@rivet/local-servers";
import { afterAll, beforeAll } from "vitest";

/** A server for all tests of a file; `server()` gives it once they run. */
export function useServer(options?: PostgresOptions): () => PostgresServer {
  let server: PostgresServer | undefined;
  beforeAll(async () => {
    server = await startPostgres(options);
  }, 60_000);
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });
  return () => {
    if (server === undefined) throw new Error("the server has not started");
    return server;
  };
}
