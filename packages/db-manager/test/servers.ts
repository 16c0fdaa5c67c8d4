import { sharedServer, startPostgres, type PostgresServer } from "@rivet/local-servers";
import { DatabaseError, DatabaseManager, type DatabaseManagerOptions, type ProviderConfig } from "@rivet/db-manager";
import { afterAll, beforeAll, onTestFinished } from "vitest";

export const TERMINATE_ALL = `
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`;

/** A server for all tests of a file; `server()` gives it once they run. */
export function useServer(): () => PostgresServer {
  return sharedServer({ beforeAll, afterAll });
}

/** A server for one test, which may be hurt. */
export async function ownServer(settings: Readonly<Record<string, string>> = {}): Promise<PostgresServer> {
  const server = await startPostgres({ settings });
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

/** A manager of one provider, `main`, that is closed after the test. */
export function manage(
  connectionString: string,
  provider: Partial<ProviderConfig> = {},
  options: Partial<DatabaseManagerOptions> = {},
): DatabaseManager {
  const db = new DatabaseManager({ providers: [{ name: "main", connectionString, ...provider }], ...options });
  onTestFinished(() => db.close());
  return db;
}

/** The error with which the work ends. */
export async function failureOf(work: Promise<unknown> | (() => unknown)): Promise<DatabaseError> {
  try {
    await (typeof work === "function" ? work() : work);
  } catch (error) {
    if (DatabaseError.isInstance(error)) return error;
    throw error;
  }
  throw new Error("the work ended well");
}
