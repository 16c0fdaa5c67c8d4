/**
 * The local journal, which accepts writes while no provider does. It finds, opens and closes the storage that keeps it.
 */
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
 * The name of the package, in a variable because bundlers do not follow such an import. If they did, the import of this
 * optional package would fail the build where it is not installed, or become an empty module that fails at the first
 * outage.
 */
const SQLITE_PACKAGE: string = "@rivet/memory-sqlite";

/** The name of the journal in receipts. */
export const LOCAL = "local";

/** The interface of a storage that can keep a journal, such as `SQLiteStorage`. */
export interface JournalStorage {
  readonly journal: AtomJournal;
  /** The replica of the storage itself, used if the file is also a local replica. */
  readonly replica: Replica;
  readonly reader: RowReader;
  close(): Promise<void>;
}

interface Place extends Pick<JournalPlace, "after"> {
  /** Whether the storage's own options name the journal. */
  readonly isAskedFor: boolean;
  readonly open: () => Promise<JournalStorage>;
  readonly mayHoldAtoms: () => boolean;
  readonly load: () => Promise<unknown>;
}

/**
 * Finds the journal, if there is one.
 *
 * @param local a storage that keeps the journal, its path, or false for none. Default: the manager's journal.
 */
export function journalOf(
  db: DatabaseManager,
  local: string | JournalStorage | false | undefined,
): LocalJournal | undefined {
  const after = db.journal?.after ?? db.providerNames;
  const isAskedFor = local !== undefined;
  if (typeof local === "object") {
    // The code that made the storage closes it.
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

/**
 * @throws {MemoryError} `invalid_input` for an address without a file, because a journal in memory would end with its
 * process.
 */
function journalFile(address: string): string {
  const path = sqlitePath(address, homedir);
  if (path !== undefined && path !== ":memory:") return path;
  throw new MemoryError({
    code: "invalid_input",
    message:
      "the local journal must be a file, so that it outlives the process; set options.local or LOCAL_DB_PATH to a path",
    path: "options.local",
    backend: "postgres",
  });
}

/** A journal that opens its file when first needed, so that a process that never loses its providers creates none. */
export class LocalJournal implements AtomJournal {
  readonly #place: Place;
  #opening: Promise<JournalStorage> | undefined;

  constructor(place: Place) {
    this.#place = place;
  }

  /** The providers that precede the journal in the order. */
  get after(): readonly string[] {
    return this.#place.after;
  }

  /** Whether the journal may hold atoms, including those of an earlier process. */
  get mayHoldAtoms(): boolean {
    return this.#place.mayHoldAtoms();
  }

  /**
   * Loads the package, so that the file can be opened when needed.
   *
   * @throws {MemoryError} `schema` if the storage's own options name the journal and its package is missing.
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

  /** Opens the storage that keeps the journal, or returns the open one. */
  async storage(): Promise<JournalStorage> {
    this.#opening ??= this.#place.open();
    try {
      return await this.#opening;
    } catch (error) {
      // The next call tries again, because the cause may be gone by then.
      this.#opening = undefined;
      throw error;
    }
  }
}

/** Whether the journal can accept a write. A write that also deletes atoms of the providers must wait for them. */
export function fitsJournal({ rows, session }: AtomWrite): boolean {
  return rows.length > 0 && session?.clearThroughId === undefined;
}

/** Opens the storage in a file. */
async function openJournalFile(path: string): Promise<JournalStorage> {
  const { SQLiteStorage } = await loadSQLite();
  return new SQLiteStorage(path, { durability: "full" }).open();
}

/**
 * Loads the package that reads the file. It is loaded only if there is a journal, which most users of PostgreSQL do not
 * have.
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
        "If it is installed, or in a bundle, pass a storage: local: new SQLiteStorage(path)",
      backend: "postgres",
      cause,
    });
  }
}
