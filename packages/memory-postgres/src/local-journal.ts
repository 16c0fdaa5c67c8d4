/** What takes the writes when no provider does. */
import { MemoryError, type AtomJournal, type AtomWrite } from "@rivet/memory-core";
import type * as sqlite from "@rivet/memory-sqlite";

/** The name of the journal in receipts. */
export const LOCAL = "local";

/** What a storage that keeps a journal shows of it; a `SQLiteStorage` does. */
export interface JournalStorage {
  readonly journal: AtomJournal;
  close(): Promise<void>;
}

/** Opens the file when it is first needed: a process that never loses its providers leaves none. */
export class LocalJournal implements AtomJournal {
  readonly #open: () => Promise<JournalStorage>;
  #opening: Promise<JournalStorage> | undefined;

  constructor(open: () => Promise<JournalStorage>) {
    this.#open = open;
  }

  async append(rows: AtomWrite["rows"]): Promise<number> {
    return (await this.#journal()).append(rows);
  }

  async pending(...[store, after, limit]: Parameters<AtomJournal["pending"]>): ReturnType<AtomJournal["pending"]> {
    return (await this.#journal()).pending(store, after, limit);
  }

  async settle(...[store, others, atoms]: Parameters<AtomJournal["settle"]>): Promise<void> {
    await (await this.#journal()).settle(store, others, atoms);
  }

  /** Closes the file, if it was opened. */
  async close(): Promise<void> {
    const storage = await this.#opening?.catch(() => undefined);
    await storage?.close();
  }

  async #journal(): Promise<AtomJournal> {
    this.#opening ??= this.#open();
    try {
      return (await this.#opening).journal;
    } catch (error) {
      // What is missing may be there the next time.
      this.#opening = undefined;
      throw error;
    }
  }
}

/** Whether the journal can take a write: one that also deletes what the providers hold has to wait for them. */
export function fitsJournal({ rows, session }: AtomWrite): boolean {
  return rows.length > 0 && session?.clearThroughId === undefined;
}

/** The storage in a file. */
export async function openJournalFile(path: string): Promise<JournalStorage> {
  const { SQLiteStorage } = await loadSQLite();
  return new SQLiteStorage(path, { durability: "full" }).open();
}

/**
 * The package of the file. Only those load it who keep a journal: most users of PostgreSQL do without.
 *
 * @throws {MemoryError} `schema`, with the command that installs it.
 */
export async function loadSQLite(): Promise<typeof sqlite> {
  try {
    return await import("@rivet/memory-sqlite");
  } catch (cause) {
    throw new MemoryError({
      code: "schema",
      message: `the local journal needs @rivet/memory-sqlite; run "npm install @rivet/memory-sqlite", or set local: false`,
      backend: "postgres",
      cause,
    });
  }
}
