import { DatabaseManager } from "@rivet/db-manager";
import {
  MemoryStorage,
  type AtomRow,
  type AtomSelection,
  type AtomTypes,
  type AtomWrite,
  type AtomWriteResult,
  type Deletion,
  type DeletionResult,
  type HeadSelection,
  type MemoryError,
  type SessionHead,
  type SessionRow,
  type SessionSelection,
} from "@rivet/memory-core";
import { toPostgresMemoryError } from "./errors.ts";
import { KnownDeletions } from "./known-deletions.ts";
import { LOAD_TIMEOUT_MS } from "./limits.ts";
import { parseSettings, type PostgresMemoryStorageOptions } from "./options.ts";
import { remove } from "./remove.ts";
import { toAtomRow, toSessionHead, toSessionRow, type TextRow } from "./rows.ts";
import { Statements, type Query } from "./statements.ts";
import type { Store } from "./store.ts";
import { Stores } from "./stores.ts";
import { WritePath } from "./write-path.ts";

/** Sessions with deletions that a storage remembers, some 50 bytes each. */
const REMEMBERED_SESSIONS = 10_000;

/**
 * Keeps sessions and atoms in PostgreSQL 14 or later.
 *
 * Guarantees: a save is one statement in one round trip, atomic and idempotent; saves that arrive while others are under
 * way share a statement; a load is one statement, as of one moment; a dead connection, or a server that ends it, is
 * survived, and the save that it interrupted is repeated with the same ids. With several providers it is repeated with the
 * next one, and while none is left a local journal takes it, and brings it to all of them when they return.
 *
 * @example
 * await using storage = new PostgresMemoryStorage(); // DATABASE_URL, or any provider's variable
 * const session = new Session({ userId: "ada", storage });
 * session.addUserMessage("The drive trips with F0002.");
 * await session.save();
 */
export class PostgresMemoryStorage<Types extends AtomTypes = {}> extends MemoryStorage<Types> {
  /** The connections. */
  readonly db: DatabaseManager;
  protected override readonly backend = "postgres";
  readonly #isDbOurs: boolean;
  readonly #store: Store;
  readonly #stores: Stores;
  readonly #writes: WritePath;
  #removeGuard: (() => void) | undefined;

  /**
   * Does no I/O: the first connection is made by `open()`, or by the first call that needs it.
   *
   * @throws {MemoryError} `invalid_input` for an option that is not one, and when neither an option nor the environment
   *   says where the database is.
   */
  constructor(options: PostgresMemoryStorageOptions<Types> = {}) {
    super(options);
    const settings = parseSettings(options);
    this.#isDbOurs = options.db === undefined;
    this.db = options.db ?? connect(options.connectionString);
    const statements = new Statements(settings.schema);
    const { isOneSessionPerStatement, local } = settings;
    const store = {
      db: this.db,
      statements,
      deletions: new KnownDeletions(REMEMBERED_SESSIONS),
      isOneSessionPerStatement,
    };
    this.#store = { ...store, route: {} };
    this.#stores = new Stores(settings, statements);
    this.#writes = new WritePath(store, local);
  }

  protected override async openBackend(): Promise<void> {
    await this.#stores.prepareAll(this.db, !this.#writes.hasJournal);
    await this.#writes.open();
    if (this.db.providerNames.length > 1 || this.#writes.hasJournal) {
      this.#removeGuard = this.db.addReturnGuard({ admit: (provider) => this.#stores.prepare(provider) });
    }
  }

  protected override async closeBackend(): Promise<void> {
    this.#removeGuard?.();
    await this.#writes.close();
    if (this.#isDbOurs) await this.db.close();
  }

  protected override writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    return this.#writes.submit(write);
  }

  protected override async deleteAtoms(deletion: Deletion): Promise<DeletionResult> {
    const { provider, ...removed } = await remove(this.#store, deletion);
    return { ...removed, acceptedBy: [provider] };
  }

  protected override async selectAtoms(selection: AtomSelection): Promise<AtomRow[]> {
    return (await this.#read(this.#store.statements.selectAtoms(selection))).map(toAtomRow);
  }

  protected override async selectSession(selection: SessionSelection): Promise<SessionRow | undefined> {
    const isBounded = selection.lastMessages !== undefined;
    const options = isBounded ? {} : { timeoutMs: LOAD_TIMEOUT_MS };
    const rows = await this.#read(this.#store.statements.selectSession(selection), options);
    return toSessionRow(selection.sessionId, rows);
  }

  protected override async selectHeads(selection: HeadSelection): Promise<SessionHead[]> {
    return (await this.#read(this.#store.statements.selectHeads(selection))).map(toSessionHead);
  }

  protected override toMemoryError(error: unknown): MemoryError {
    return toPostgresMemoryError(error);
  }

  async #read({ statement, values }: Query, options: { timeoutMs?: number } = {}): Promise<readonly TextRow[]> {
    const { rows } = await this.db.query<TextRow>(statement, values, {
      idempotent: true,
      readOnly: true,
      asText: true,
      ...options,
    });
    return rows;
  }
}

function connect(connectionString: string | undefined): DatabaseManager {
  try {
    if (connectionString === undefined) return DatabaseManager.fromEnv();
    return new DatabaseManager({ providers: [{ name: "postgres", connectionString }] });
  } catch (error) {
    throw toPostgresMemoryError(error);
  }
}
