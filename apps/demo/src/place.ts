import { join } from "node:path";
import * as terminal from "./terminal.ts";

/** The storage of the demo. */
export interface Place extends AsyncDisposable {
  readonly url: string;
  /** The arguments for a second process: a password is passed in its environment, not on its command line. */
  readonly forSecondProcess: { readonly backend: string; readonly environment: Readonly<Record<string, string>> };
}

/** A temporary SQLite file of the demo. */
export const OWN_FILE = "sqlite:";

/** @param folder The folder for a temporary file. */
export async function findPlace(backend: string, folder: string): Promise<Place> {
  if (backend === "postgres:") return startServer();
  if (backend === "supabase:" && !isProjectConfigured()) return startProject();
  const url = backend === OWN_FILE ? `sqlite:${join(folder, "memory.db")}` : backend;
  return { url, forSecondProcess: forSecondProcess(url), async [Symbol.asyncDispose]() {} };
}

/** Starts a temporary PostgreSQL server. */
async function startServer(): Promise<Place> {
  const { startPostgres } = await import("@rivet/local-servers");
  const server = await startPostgres();
  terminal.note(`started a PostgreSQL server on port ${server.port}; it is removed afterwards`);
  const url = await server.createDatabase();
  return { url, forSecondProcess: forSecondProcess(url), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

function isProjectConfigured(): boolean {
  return (process.env["SUPABASE_URL"] ?? "") !== "";
}

/** Starts the REST API of a temporary Supabase project, with the tables and policies of the package. */
async function startProject(): Promise<Place> {
  const { startSupabase } = await import("@rivet/local-servers");
  const { supabaseMigration } = await import("@rivet/memory-supabase");
  const project = await startSupabase();
  try {
    await project.apply(supabaseMigration());
    await project.postgrest.restart();
  } catch (error) {
    await project[Symbol.asyncDispose]();
    throw error;
  }
  terminal.note(`started PostgreSQL, PostgREST and a gateway at ${project.url}; they are removed afterwards`);
  const environment = { SUPABASE_URL: project.url, SUPABASE_KEY: project.keys.secret };
  Object.assign(process.env, environment);
  const url = "supabase:";
  return {
    url,
    forSecondProcess: { backend: url, environment },
    [Symbol.asyncDispose]: () => project[Symbol.asyncDispose](),
  };
}

function forSecondProcess(url: string): Place["forSecondProcess"] {
  if (!/^postgres(ql)?:/.test(url)) return { backend: url, environment: {} };
  return {
    backend: "postgres:",
    environment: { DATABASE_PROVIDER: "demo", DATABASE_FAILOVER_ORDER: "demo", DEMO_DB_URL: url },
  };
}
