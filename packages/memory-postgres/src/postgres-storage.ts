import { DatabaseManager, type QueryOptions } from "@rivet/db-manager";
import {
  encodeText,
  isAtomId,
  MemoryError,
  MemoryStorage,
  readOptions,
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
  type RowReader,
  type SessionHead,
  type SessionRow,
  type SessionSelection,
  type Tombstone,
  type TombstoneSelection,
} from "@rivet/memory-core";
import { isProvidersFault, toPostgresMemoryError } from "./errors.ts";
import { KnownDeletions } from "./write/known-deletions.ts";
import { LOAD_TIMEOUT_MS } from "./write/limits.ts";
import { journalOf } from "./journal/local-journal.ts";
import { LocalReplica } from "./journal/local-replica.ts";
import { invalid, parseSettings, POSTGRES_STORAGE_FIELDS, type PostgresMemoryStorageOptions } from "./options.ts";
import { toTombstone } from "./replication/provider-replica.ts";
import { postgresResidue, REPLICA_RESIDUE } from "./providers/residue.ts";
import type { AtomPlaces } from "./replication/places.ts";
import type { RepairOptions, RepairReport } from "./replication/repair.ts";
import { Replicator } from "./replication/replicator.ts";
import { requiredProviders } from "./replication/settings.ts";
import { ReplicationStatements } from "./replication/statements/index.ts";
import type { ReplicationStatus } from "./replication/status.ts";
import {
  toAtomRow,
  toExpiredAtom,
  toSessionHead,
  toSessionRow,
  toStoredMessage,
  type TextRow,
} from "./statements/rows.ts";
import type { Query } from "./statements/named-statements.ts";
import { Statements } from "./statements/index.ts";
import { OWN_STATEMENT, type Store } from "./providers/store.ts";
import { Stores } from "./providers/stores.ts";
import { TablePlaces } from "./providers/table-places.ts";
import { WritePath } from "./write/write-path.ts";

/** The number of sessions with deletions that a storage remembers, some 50 bytes each. */
const REMEMBERED_SESSIONS = 10_000;

/**
 * Keeps sessions and atoms in PostgreSQL 14 or later.
 *
 * Guarantees: a save is one statement in one round trip, atomic and idempotent; saves that arrive while others are in
 * flight share a statement; a load is one statement, as of one moment; the storage survives dead connections, and
 * retries an interrupted save with the same ids. With several providers it fails over to the next one; while none is
 * left, a local journal accepts the save and delivers it to all providers when they return.
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
  readonly #replicator: Replicator;
  readonly #replication: ReplicationStatements;
  readonly #localReplica: LocalReplica | undefined;
  #removeGuard: (() => void) | undefined;

  /**
   * Does no I/O: the first connection is made by `open()`, or by the first call that needs it.
   *
   * @throws {MemoryError} `invalid_input` for an invalid option, and if neither an option nor the environment contains
   *   the address of a database.
   */
  constructor(options: PostgresMemoryStorageOptions<Types> | string = {}) {
    const meant = typeof options === "string" ? { connectionString: options } : options;
    const given: PostgresMemoryStorageOptions<Types> = readOptions(meant, POSTGRES_STORAGE_FIELDS, "options");
    super(given, POSTGRES_STORAGE_FIELDS);
    const settings = parseSettings(given);
    this.#isDbOurs = given.db === undefined;
    this.db = given.db ?? connect(given.connectionString);
    const { isOneSessionPerStatement, local, replication } = settings;
    const providerCount = this.db.providerNames.length;
    const places = new TablePlaces(settings.schema);
    const statements = new Statements(places, providerCount > 1 && replication.mode !== "off");
    const { db, clock } = this;
    const nowMs = (): number => clock.wallTimeMs();
    const deletions = new KnownDeletions(REMEMBERED_SESSIONS);
    const store = { db, statements, deletions, isOneSessionPerStatement, nowMs };
    this.#store = { ...store, route: {} };
    this.#stores = new Stores(settings, statements, places);
    this.#replicator = new Replicator({ db, places, isOneSessionPerStatement, settings: replication, nowMs });
    this.#replication = new ReplicationStatements(places);
    const journal = journalOf(db, local);
    if (settings.isLocalReplica) {
      if (journal === undefined) {
        const problem = "needs the file of a local journal, but there is none; set options.local to a path";
        throw invalid("options.localReplica", problem);
      }
      this.#localReplica = new LocalReplica({
        journal,
        source: () => this.#replicator.reachableReplica,
        intervalMs: settings.localReplicaIntervalMs,
        nowMs,
        onError: (error) => db.report(db.preferred, error),
      });
    }
    this.#writes = new WritePath({
      store,
      journal,
      localReplica: this.#localReplica,
      unhinted: new Statements(places),
      replicator: this.#replicator,
      required: requiredProviders(replication.acknowledge, providerCount),
    });
  }

  protected override async openBackend(): Promise<void> {
    await this.#stores.prepareAll(this.db, !this.#writes.hasJournal);
    await this.#writes.open();
    const isReplicated = this.db.providerNames.length > 1;
    if (isReplicated) this.#replicator.open();
    if (isReplicated || this.#writes.hasJournal) {
      this.#removeGuard = this.db.addReturnGuard({ admit: (provider) => this.#stores.prepare(provider) });
    }
    this.#localReplica?.open();
  }

  protected override async closeBackend(): Promise<void> {
    this.#removeGuard?.();
    await this.#localReplica?.close();
    await this.#writes.close();
    await this.#replicator.close();
    if (this.#isDbOurs) await this.db.close();
  }

  /**
   * Makes the providers equal: each receives the atoms of all others, and a deletion of one applies to all. The
   * providers are compared by digests of their sessions, so the cost grows with the number of sessions and of
   * differences. It runs automatically after a provider was restored from a backup, and after hints were dropped.
   *
   * Guarantees: idempotent; can be interrupted at any time, and continues from there when repeated; skips unreachable
   * providers and names them in the report.
   *
   * @throws {MemoryError} `invalid_input` for an unknown name; `unavailable` or `timeout` if a provider fails
   *   meanwhile.
   * @example
   * const { copied, removed, skipped } = await storage.repair();
   */
  repair(options: RepairOptions = {}): Promise<RepairReport> {
    return this.runOperation("repair", "write", () => this.#replicator.repair(options));
  }

  /**
   * Returns the state of replication: for each pair of providers the hints, their age, and the times of the last drain
   * and repair; the atoms that a provider refuses for good; and the backlog of the local journal for each provider.
   */
  async getReplicationStatus(): Promise<ReplicationStatus> {
    return this.runOperation("getReplicationStatus", "read", async () => {
      const status = await this.#replicator.status();
      const journal = await this.#writes.journalStatus(this.clock.wallTimeMs());
      const local = this.#localReplica;
      return {
        ...status,
        ...(journal === undefined ? {} : { journal }),
        ...(local === undefined ? {} : { localReplica: { caughtUpAt: local.caughtUpAt } }),
      };
    });
  }

  /**
   * Finds the providers that hold atoms: right after a save only the one that accepted it, and soon all of them.
   *
   * @param ids the ids of atoms of the session. An atom that exists nowhere, or only in the local journal, is held by
   *   no provider.
   * @throws {MemoryError} `invalid_input` for an invalid id.
   * @example
   * const { heldBy } = await storage.locateAtoms(sessionId, [atom.id]);
   * console.log(heldBy[atom.id]); // ["neon", "railway"]
   */
  async locateAtoms(sessionId: string, ids: readonly string[]): Promise<AtomPlaces> {
    const stranger = ids.find((id) => !isAtomId(id));
    if (stranger !== undefined) {
      const message = `ids[${ids.indexOf(stranger)}] is not the id of an atom; expected a UUID`;
      throw new MemoryError({ code: "invalid_input", message, operation: "locateAtoms", backend: this.backend });
    }
    return this.runOperation("locateAtoms", "read", () => this.#replicator.locate(encodeText(sessionId), ids));
  }

  protected override writeAtoms(write: AtomWrite): Promise<AtomWriteResult> {
    return this.#writes.submit(write);
  }

  protected override deleteAtoms(deletion: Deletion): Promise<DeletionResult> {
    return this.#writes.remove(deletion);
  }

  protected override async finishErasure(): Promise<readonly ErasureResidue[]> {
    const replica = this.#localReplica === undefined ? [] : [REPLICA_RESIDUE];
    return [...this.db.providerNames.flatMap(postgresResidue), ...replica, ...(await this.#writes.finishErasure())];
  }

  protected override mergeFacts(facts: Facts): Promise<Merged> {
    return this.#writes.merge(facts);
  }

  protected override async selectExpired(selection: ExpiredSelection): Promise<ExpiredAtom[]> {
    return (await this.#read(this.#store.statements.read.selectExpired(selection))).map(toExpiredAtom);
  }

  protected override async selectTombstones(selection: TombstoneSelection): Promise<Tombstone[]> {
    return (await this.#read(this.#replication.digests.selectTombstones(selection))).map(toTombstone);
  }

  protected override selectAtoms(selection: AtomSelection): Promise<readonly AtomRow[]> {
    return this.#orLocal(
      async () => (await this.#read(this.#store.statements.read.selectAtoms(selection))).map(toAtomRow),
      (reader) => reader.selectAtoms(selection),
    );
  }

  protected override selectSession(selection: SessionSelection): Promise<SessionRow | undefined> {
    const isBounded = selection.lastMessages !== undefined;
    const options = { toRow: toStoredMessage, timeoutMs: isBounded ? undefined : LOAD_TIMEOUT_MS };
    return this.#orLocal(
      async () => {
        // A provider may return or fail while the session is read.
        const before = this.#replicator.undrained;
        const rows = await this.#read(this.#store.statements.read.selectSession(selection), options);
        const session = toSessionRow(selection.sessionId, rows);
        return session && { ...session, unreachable: [...new Set([...before, ...this.#replicator.undrained])] };
      },
      async (reader) => {
        const session = await reader.selectSession(selection);
        return session && { ...session, unreachable: this.db.providerNames };
      },
    );
  }

  protected override selectHeads(selection: HeadSelection): Promise<readonly SessionHead[]> {
    return this.#orLocal(
      async () => (await this.#read(this.#store.statements.read.selectHeads(selection))).map(toSessionHead),
      (reader) => reader.selectHeads(selection),
    );
  }

  protected override toMemoryError(error: unknown): MemoryError {
    return toPostgresMemoryError(error);
  }

  /** Reads from a provider, or from the local replica, if there is one and no provider answers. */
  async #orLocal<Result>(
    read: () => Promise<Result>,
    readLocally: (reader: RowReader) => Promise<Result>,
  ): Promise<Result> {
    const local = this.#localReplica;
    if (local === undefined) return read();
    if (this.db.isUsable({ readOnly: true })) {
      try {
        return await read();
      } catch (error) {
        if (!isProvidersFault(error)) throw error;
      }
    }
    return readLocally(await local.reader());
  }

  async #read<Row extends object = TextRow>(
    { statement, values }: Query,
    options: QueryOptions<Row> = {},
  ): Promise<readonly Row[]> {
    const { rows } = await this.db.query<Row>(statement, values, {
      ...OWN_STATEMENT,
      readOnly: true,
      ...options,
    });
    return rows;
  }
}

function connect(connectionString: string | undefined): DatabaseManager {
  try {
    return connectionString === undefined ? DatabaseManager.fromEnv() : new DatabaseManager(connectionString);
  } catch (error) {
    throw toPostgresMemoryError(error);
  }
}
