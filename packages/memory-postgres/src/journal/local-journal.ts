/** What takes the writes when no provider does. */
import type { DatabaseManager, JournalPlace } from "@rivet/db-manager";
import {
  MemoryError,
  sqlitePath,
  type AtomJournal,
  type AtomWrite,
  type ErasureResidue,
  type Replica,
  type RowReader,
} from "@rivet/memory-core";
import type * as sqlite from "@rivet/memory-sqlite";
import { existsSync } from "node:fs";
import { homedir } from "node:os";

/**
 * Bundlers leave an import of a name in a variable as it is. Followed, the import of a package that is optional would end the
 * build of those who do without it, or become an empty module that fails at the first outage.
 */
const SQLITE_PACKAGE: string = "@rivet/memory-sqlite";

/** The name of the journal in receipts. */
export const LOCAL = "local";

/** What a storage that keeps a journal shows of it; a `SQLiteStorage` does. */
export interface JournalStorage {
  readonly journal: AtomJournal;
  /** What it holds itself, for those who let it hold everything. */
  readonly replica: Replica;
  readonly reader: RowReader;
  close(): Promise<void>;
}

interface Place extends Pick<JournalPlace, "after"> {
  /** Whether the storage's own options name it. */
  readonly isAskedFor: boolean;
  readonly open: () => Promise<JournalStorage>;
  readonly mayHoldAtoms: () => boolean;
  readonly load: () => Promise<unknown>;
}

/**
 * Where the journal is, if there is one.
 *
 * @param local a storage that keeps it, its path, or false for none. Default: what the manager says.
 */
export function journalOf(
  db: DatabaseManager,
  local: string | JournalStorage | false | undefined,
): LocalJournal | undefined {
  const after = db.journal?.after ?? db.providerNames;
  const isAskedFor = local !== undefined;
  if (typeof local === "object") {
    // Whoever made it closes it.
    const { journal, replica, reader } = local;
    const open = async (): Promise<JournalStorage> => ({ journal, replica, reader, close: async () => undefined });
    return new LocalJournal({ after, isAskedFor, open, mayHoldAtoms: () => true, load: async () => undefined });
  }
  const address = local ?? db.journal?.path;
  if (address === undefined || address === false) return undefined;
  const path = journalFile(address);
  const [open, mayHoldAtoms] = [() => openJournalFile(path), () => existsSync(path)];
  return new LocalJournal({ after, isAskedFor, open, mayHoldAtoms, load: loadSQLite });
}

/** @throws {MemoryError} `invalid_input` for what names no file: a journal in memory would end with its process. */
function journalFile(address: string): string {
  const path = sqlitePath(address, homedir);
  if (path !== undefined && path !== ":memory:") return path;
  throw new MemoryError({
    code: "invalid_input",
    message:
      "the local journal has to be a file, so that it outlives the process; name one in options.local or LOCAL_DB_PATH",
    path: "options.local",
    backend: "postgres",
  });
}

/** Opens the file when it is first needed: a process that never loses its providers leaves none. */
export class LocalJournal implements AtomJournal {
  readonly #place: Place;
  #opening: Promise<JournalStorage> | undefined;

  constructor(place: Place) {
    this.#place = place;
  }

  /** The providers that come before the journal. */
  get after(): readonly string[] {
    return this.#place.after;
  }

  /** Whether there may be something in it from before. */
  get mayHoldAtoms(): boolean {
    return this.#place.mayHoldAtoms();
  }

  /**
   * Sees to it that the file can be opened when it is needed.
   *
   * @throws {MemoryError} `schema` when the storage's own options ask for it, and its package is missing.
   */
  async load(onMissing: (error: unknown) => void): Promise<void> {
    try {
      await this.#place.load();
    } catch (error) {
      if (this.#place.isAskedFor) throw error;
      onMissing(error);
    }
  }

  async append(rows: AtomWrite["rows"]): Promise<number> {
    return (await this.storage()).journal.append(rows);
  }

  async pending(...page: Parameters<AtomJournal["pending"]>): ReturnType<AtomJournal["pending"]> {
    return (await this.storage()).journal.pending(...page);
  }

  async backlog(stores: readonly string[]): ReturnType<AtomJournal["backlog"]> {
    return (await this.storage()).journal.backlog(stores);
  }

  async settle(...[store, others, atoms]: Parameters<AtomJournal["settle"]>): Promise<void> {
    await (await this.storage()).journal.settle(store, others, atoms);
  }

  async held(...page: Parameters<AtomJournal["held"]>): ReturnType<AtomJournal["held"]> {
    return (await this.storage()).journal.held(...page);
  }

  async discard(atoms: Parameters<AtomJournal["discard"]>[0]): Promise<void> {
    await (await this.storage()).journal.discard(atoms);
  }

  async finishErasure(): Promise<readonly ErasureResidue[]> {
    return (await (await this.storage()).journal.finishErasure?.()) ?? [];
  }

  /** Closes the file, if it was opened. */
  async close(): Promise<void> {
    const storage = await this.#opening?.catch(() => undefined);
    await storage?.close();
  }

  async canBeOpened(): Promise<boolean> {
    return this.storage().then(
      () => true,
      () => false,
    );
  }

  /** The storage that keeps it. */
  async storage(): Promise<JournalStorage> {
    this.#opening ??= this.#place.open();
    try {
      return await this.#opening;
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
async function openJournalFile(path: string): Promise<JournalStorage> {
  const { SQLiteStorage } = await loadSQLite();
  return new SQLiteStorage(path, { durability: "full" }).open();
}

/**
 * The package of the file. Only those load it who keep a journal: most users of PostgreSQL do without.
 *
 * @throws {MemoryError} `schema`, with the command that installs it.
 */
async function loadSQLite(): Promise<typeof sqlite> {
  try {
    return await import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ SQLITE_PACKAGE);
  } catch (cause) {
    throw new MemoryError({
      code: "schema",
      message:
        `the local journal needs ${SQLITE_PACKAGE}; run "npm install ${SQLITE_PACKAGE}", or set local: false. ` +
        "Where it is installed, and in a bundle, pass a storage: local: new SQLiteStorage(path)",
      backend: "postgres",
      cause,
    });
  }
}
