/** Options of a command line that say where in a database the memory is, and which journal belongs to it. */
import { usage } from "../usage-error.ts";
import { sqliteFile } from "./sqlite-file.ts";

/** Options of every command that opens a storage. */
export interface StorageOptions {
  /** The schema of the tables, of PostgreSQL and Supabase. */
  readonly schema?: string;
  /** The file of the local journal. */
  readonly journal?: string;
}

/** Whether an address is of PostgreSQL: of one database, or of the providers of the environment. */
export function isPostgres(url: string): boolean {
  return /^postgres(ql)?:/.test(url);
}

/**
 * The journal that the user named, with `--journal` or by `LOCAL_DB_PATH`. No file that merely lies in the working
 * directory is one: its atoms would be delivered to production.
 */
export function namedJournal(
  { journal }: StorageOptions,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const named = journal ?? (environment["LOCAL_DB_PATH"]?.trim() || undefined);
  return named === undefined ? undefined : sqliteFile(named);
}

/** The schema among the options of a storage's constructor, for the addresses that have one. */
export function schemaOption(
  url: string,
  { schema }: { readonly schema?: string | undefined },
): { readonly schema?: string } {
  return schema === undefined || !hasSchema(url) ? {} : { schema };
}

/** The journal among the options of a storage's constructor: none that was not named. */
export function journalOption(url: string, journalPath: string | undefined): { readonly local?: string | false } {
  return isPostgres(url) ? { local: journalPath ?? false } : {};
}

/** The options of a storage that is only looked at: it makes no tables, and takes nothing out of the journal. */
export function lookOptions(url: string, replication: "off" | "all"): Readonly<Record<string, unknown>> {
  return isPostgres(url) ? { migrate: false, local: false, replication } : {};
}

/** @throws {MemoryError} `invalid_input` for a schema or a journal of which no address of the command can make use. */
export function assertUsed({ schema, journal }: StorageOptions, urls: readonly string[]): void {
  if (urls.length === 0) return;
  if (schema !== undefined && !urls.some(hasSchema))
    throw usage("--schema is for PostgreSQL and Supabase: the address names neither");
  if (journal !== undefined && !urls.some((url) => isPostgres(url)))
    throw usage("--journal is for PostgreSQL: the address does not name it");
}

function hasSchema(url: string): boolean {
  return isPostgres(url) || url.startsWith("supabase:");
}
