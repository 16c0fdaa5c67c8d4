import type { DatabaseManager } from "@rivet/db-manager";
import { MemoryError } from "@rivet/memory-core";
import { checkSchema, migrate, SCHEMA_VERSION, schemaStatements } from "@rivet/postgres-schema";
import type { Command } from "commander";
import { defineCommand, type Context, type Outcome } from "../command.ts";
import { storageName } from "../storage/storage-name.ts";
import { isPostgres } from "../storage/storage-options.ts";
import { usage } from "../usage-error.ts";

interface Options {
  readonly print?: boolean;
  readonly dryRun?: boolean;
  readonly schema?: string;
}

/** Thrown to undo what a dry run has done. */
class DryRun extends Error {}

export function migrateCommand(): Command {
  return defineCommand<[string | undefined], Options>({
    usage: "migrate [url]",
    description:
      "Creates the tables, brings them up to date, or adopts those of the Python original; or prints the SQL.",
    examples: [
      ["migrate postgres:", "every provider of the environment"],
      ["migrate postgres://app@db.example/agent --dry-run", "does it all in a transaction, and undoes it"],
      ["migrate --print > schema.sql", "for people who apply it themselves"],
      ["migrate supabase: --print > supabase/migrations/20260101000000_memory.sql", "with functions and policies"],
    ],
    configure: (command) =>
      command.option("--print", "print the SQL, and change nothing").option("--dry-run", "try it, and change nothing"),
    run: async (context, [url], { print, dryRun = false, schema }) => {
      const options = schema === undefined ? {} : { schema };
      if (print) return printed(url, options);
      if (url === undefined) throw usage("migrate needs an address, or --print");
      if (isPostgres(url)) return migratePostgres(url, options, dryRun);
      if (url.startsWith("supabase:")) return checkSupabase(options);
      return migrateByOpening(context, url, dryRun);
    },
  });
}

async function printed(url: string | undefined, options: { schema?: string }): Promise<Outcome> {
  if (url?.startsWith("sqlite:"))
    throw usage("a SQLite file gets its tables when it is opened: there is no SQL to apply");
  const sql = url?.startsWith("supabase:")
    ? // Nobody else has to load its client.
      (await import("@rivet/memory-supabase")).supabaseMigration(options)
    : `BEGIN;\n\n${schemaStatements(options).join(";\n\n")};\n\nCOMMIT;`;
  return { json: { sql }, text: sql };
}

async function migratePostgres(url: string, options: { schema?: string }, isDryRun: boolean): Promise<Outcome> {
  // Nobody else has to load the driver.
  const { managerOf } = await import("../storage/manager.ts");
  await using db = managerOf(url);
  const done: { provider: string; version: number; wasCurrent: boolean }[] = [];
  for (const provider of db.providerNames) {
    await db.run(
      async (handle) => {
        const wasCurrent = await isCurrent(() => checkSchema(handle, options));
        if (isDryRun) await tryAndUndo(handle, options);
        else await migrate(handle, options);
        done.push({ provider, version: SCHEMA_VERSION, wasCurrent });
      },
      { providers: [provider], deadlineMs: 10 * 60_000 },
    );
  }
  const lines = done.map(({ provider, wasCurrent }) => {
    const what = wasCurrent
      ? "is up to date"
      : isDryRun
        ? "would be brought up to date; nothing was changed"
        : "is up to date now";
    return `${provider}: ${what} (version ${SCHEMA_VERSION})`;
  });
  return { json: { isDryRun, providers: done }, text: lines.join("\n") };
}

type Handle = Parameters<Parameters<DatabaseManager["run"]>[0]>[0];

/** All of it within one transaction, which is then undone. */
async function tryAndUndo(handle: Handle, options: { schema?: string }): Promise<void> {
  try {
    await handle.transaction(async (client) => {
      await migrate({ query: client.query.bind(client), transaction: (work) => work(client) }, options);
      throw new DryRun();
    });
  } catch (error) {
    if (!(error instanceof DryRun) && !(error instanceof Error && error.cause instanceof DryRun)) throw error;
  }
}

async function isCurrent(check: () => Promise<unknown>): Promise<boolean> {
  try {
    await check();
    return true;
  } catch (error) {
    if (MemoryError.isInstance(error) && error.code === "schema") return false;
    throw error;
  }
}

async function checkSupabase(options: { schema?: string }): Promise<Outcome> {
  const { SupabaseMemoryStorage } = await import("@rivet/memory-supabase");
  await using storage = new SupabaseMemoryStorage(options);
  await storage.listSessions({ limit: 1 });
  return { json: { isCurrent: true }, text: "supabase: is up to date" };
}

async function migrateByOpening({ openOrCreate }: Context, url: string, isDryRun: boolean): Promise<Outcome> {
  if (isDryRun) throw usage("--dry-run is for PostgreSQL");
  await openOrCreate(url);
  return { json: { isCurrent: true }, text: `${storageName(url)}: is up to date now` };
}
