import { homedir } from "node:os";
import {
  MemoryError,
  MemoryStorage,
  readOptions,
  sqlitePath,
  type AtomJournal,
  type AtomRow,
  type AtomSelection,
  type AtomTypes,
  type AtomWrite,
  type AtomWriteResult,
  type Deletion,
  type DeletionResult,
  type ErasureResidue,
  type ExpiredAtom,
  type ExpiredSelection,
  type Facts,
  type HeadSelection,
  type Merged,
  type SessionHead,
  type SessionRow,
  type SessionSelection,
  type Tombstone,
  type TombstoneSelection,
} from "@rivet/memory-core";
import { append, remove } from "./append.ts";
import { retryWhileBusy } from "./file/busy.ts";
import { Compaction } from "./file/compaction.ts";
import { appendToJournal, backlogOf, discard, heldOf, pendingFor, settle } from "./journal.ts";
import { merge } from "./merge.ts";
import { limitFile, openConnection } from "./file/connection.ts";
import type { Connection } from "./file/database.ts";
import { toSQLiteMemoryError } from "./errors.ts";
import { emptyLog, LogBound } from "./file/log.ts";
import { OpenedFile } from "./file/opened-file.ts";
import {
  DEFAULT_PATH,
  IN_MEMORY_PATH,
  parseSettings,
  SQLITE_STORAGE_FIELDS,
  type Settings,
  type SQLiteStorageOptions,
} from "./options.ts";
import { Statements } from "./statements.ts";
import { WriteQueue } from "./file/write-queue.ts";

/**
 * The share of the largest file size that new atoms may use. The names of the targets take up to a fifth of a small
 * atom.
 */
const JOURNAL_SHARE = 0.8;

interface OpenFile {
  readonly connection: Connection;
  readonly statements: Statements;
  readonly queue: WriteQueue;
  readonly compaction: Compaction;
  /** Both are there unless the database is in memory. */
  readonly file: OpenedFile | undefined;
  readonly logBound: LogBound | undefined;
}

/**
 * Keeps sessions and atoms in a SQLite file, in WAL mode.
 *
 * Guarantees: an acknowledged save is on the disk (`durability: "full"`); saves that arrive together share one commit;
 * several processes may use one file at once, and one that has to wait does so without blocking its event loop.
 *
 * @example
 * await using storage = new SQLiteStorage("data/agent.db");
 * const session = new Session({ userId: "ada", storage });
 * session.addUserMessage("The drive trips with F0002.");
 * await session.save();
 */
export class SQLiteStorage<Types extends AtomTypes = {}> extends MemoryStorage<Types> {
  protected override readonly backend = "sqlite";
  readonly #path: string;
  readonly #settings: Settings;
  #file: OpenFile | undefined;

  /**
   * Does no I/O: the file and its missing parent folders are created by `open()`, or by the first call that needs them.
   *
   * @param path the file, or `:memory:`; an address such as `sqlite:~/agent.db` is taken too, see `sqlitePath` of the
   *   core. Default: `sessions.db`.
   * @throws {MemoryError} `invalid_input` for an option that is not one.
   */
  constructor(path: string = DEFAULT_PATH, options: SQLiteStorageOptions<Types> = {}) {
    const given = readOptions(options, SQLITE_STORAGE_FIELDS, "options");
    super(given, SQLITE_STORAGE_FIELDS);
    this.#path = sqlitePath(path, homedir) ?? DEFAULT_PATH;
    this.#settings = parseSettings(given);
  }

  /**
   * A journal of atoms that are on their way to other stores, in the same file and apart from what the storage holds:
   * what is in it is in no session until it has arrived. For packages that replicate.
   */
  get journal(): AtomJournal {
    const use = async <Result>(work: (statements: Statements) => Result | Promise<Result>): Promise<Result> => {
      await this.open();
      try {
        return await work(this.#open().statements);
      } catch (error) {
        throw MemoryError.isInstance(error) ? error : this.toMemoryError(error);
      }
    };
    const write = <Result>(work: (statements: Statements) => Result): Promise<Result> =>
      use((statements) => this.#open().queue.submit(() => work(statements)));
    return {
      append: (rows) => write((statements) => this.#withReserve(() => appendToJournal(statements, rows))),
      pending: (store, after, limit, bounds) =>
        use(() => this.#read((statements) => pendingFor(statements, store, after, limit, bounds))),
      backlog: (stores) => use(() => this.#read((statements) => backlogOf(statements, stores))),
      settle: (store, others, atoms) => write((statements) => settle(statements, store, others, atoms)),
      held: (scope, after, limit) => use(() => this.#read((statements) => heldOf(statements, scope, after, limit))),
      discard: (atoms) => write((statements) => discard(statements, atoms)),
      finishErasure: () => this.residue(),
    };
  }

  /** Leaves part of a bounded file free for the statements that empty the journal. */
  #withReserve<Result>(append: () => Result): Result {
    const { maxFileBytes } = this.#settings;
    if (maxFileBytes === undefined) return append();
    const { connection } = this.#open();
    limitFile(connection, maxFileBytes * JOURNAL_SHARE);
    try {
      return append();
    } finally {
      limitFile(connection, maxFileBytes);
    }
  }

  protected override async openBackend(): Promise<void> {
    const connection = await openConnection(this.#path, this.#settings, this.clock.wallTimeMs());
    const { busyTimeoutMs, maxCompactionBytes } = this.#settings;
    // A database in memory has neither a place nor a log.
    const file = this.#path === IN_MEMORY_PATH ? undefined : new OpenedFile(this.#path);
    const logBound = file && new LogBound(connection, file.logPath);
    const queue = new WriteQueue(connection, busyTimeoutMs, () => {
      file?.assertInPlace();
      logBound?.observe();
    });
    const statements = new Statements(connection);
    const compaction = new Compaction({
      connection,
      statements,
      maxCompactionBytes,
      busyTimeoutMs,
      store: this.backend,
      describe: (error) => this.toMemoryError(error).message,
    });
    await compaction.finishAll();
    this.#file = { connection, statements, queue, compaction, file, logBound };
  }

  /**
   * Ends what erasures have left, and writes the log back into the file, so that what is left is one file. On a full
   * disk the log stays, and counts.
   */
  protected override async closeBackend(): Promise<void> {
    if (this.#file === undefined) return;
    const { connection, compaction, file, logBound } = this.#file;
    this.#file = undefined;
    logBound?.stop();
    file?.close();
    try {
      await compaction.finishAll();
      emptyLog(connection);
    } finally {
      connection.close();
    }
  }

  protected override async writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    const { queue, statements } = this.#open();
    const { written, historyXor } = await queue.submit(() => append(statements, write, this.clock.wallTimeMs()));
    return { written, historyXor, acceptedBy: [this.backend], degraded: false };
  }

  protected override async deleteAtoms(deletion: Deletion): Promise<DeletionResult> {
    const { queue, statements } = this.#open();
    const removed = await queue.submit(() => remove(statements, deletion, this.clock.wallTimeMs()));
    return { ...removed, acceptedBy: [this.backend] };
  }

  protected override finishErasure(): Promise<readonly ErasureResidue[]> {
    return this.#open().compaction.finish();
  }

  /**
   * Rewrites the file, whatever its size, without the room that nothing uses and what may stand there. Erasures do so
   * by themselves; this is for a file that has become too large for them, or that something else wrote into.
   *
   * @returns where bytes of what was erased may still be: nothing, unless another process reads the file.
   * @example
   * await storage.compact();
   */
  async compact(): Promise<readonly ErasureResidue[]> {
    await this.open();
    return this.#open().compaction.rewrite();
  }

  protected override selectAtoms(selection: AtomSelection): Promise<AtomRow[]> {
    return this.#read((statements) => statements.selectAtoms(selection));
  }

  protected override selectSession(selection: SessionSelection): Promise<SessionRow | undefined> {
    const { sessionId, userId, lastMessages, fromId } = selection;
    return this.#read((statements) => {
      const head = statements.selectHead(sessionId, userId);
      if (head === undefined) return undefined;
      const messages =
        lastMessages === undefined
          ? statements.selectMessages(sessionId, fromId)
          : statements.selectLastMessages(sessionId, lastMessages);
      if (lastMessages === undefined && fromId === undefined) return { head, messages };
      const leading = statements.selectLeadingSystemMessages(sessionId, messages[0]?.id ?? fromId ?? "");
      return { head, messages: [...leading, ...messages] };
    });
  }

  protected override selectHeads(selection: HeadSelection): Promise<SessionHead[]> {
    return this.#read((statements) => statements.selectHeads(selection));
  }

  protected override selectExpired(selection: ExpiredSelection): Promise<ExpiredAtom[]> {
    return this.#read((statements) => statements.selectExpired(selection));
  }

  protected override selectTombstones(selection: TombstoneSelection): Promise<Tombstone[]> {
    return this.#read((statements) => statements.selectTombstones(selection));
  }

  protected override mergeFacts(facts: Facts): Promise<Merged> {
    const { queue, statements } = this.#open();
    return queue.submit(() => merge(statements, facts, this.clock.wallTimeMs()));
  }

  protected override toMemoryError(error: unknown): MemoryError {
    return toSQLiteMemoryError(error, this.#path);
  }

  /** Reads as of one moment: other processes may write between two statements, but not into a transaction. */
  #read<Result>(work: (statements: Statements) => Result): Promise<Result> {
    const { connection, statements } = this.#open();
    const snapshot = connection.transaction(() => work(statements));
    return retryWhileBusy(snapshot.deferred, this.#settings.busyTimeoutMs);
  }

  #open(): OpenFile {
    if (this.#file === undefined) throw new Error("the file is not open");
    return this.#file;
  }
}
