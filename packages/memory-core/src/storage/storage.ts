import { couldNotRead, decodeAtom } from "../atom/atom-codec.ts";
import { processClock, type AtomClock } from "../atom/atom-id.ts";
import type { AtomList, MemoryAtom, UnreadableAtom } from "../atom/atom.ts";
import type { ErasureResidue } from "./erasure-residue.ts";
import { invalidInput, type MemoryError } from "../errors/errors.ts";
import type { SessionHead } from "../backend/head.ts";
import { assertMayEnter } from "../backend/fact-admission.ts";
import { arrangeRows, prepareAtom } from "../atom/new-atom.ts";
import { Operations, type OperationKind } from "./operations.ts";
import { readOptions, type OptionFields } from "../options/option-fields.ts";
import {
  atomPages,
  guardOf,
  parseAtomQuery,
  parseFilter,
  parseGuard,
  parseSessionQuery,
  STREAM_PAGE,
} from "./query.ts";
import { encodeText } from "../atom/serialization.ts";
import { summarize } from "../session/session-summary.ts";
import { HookReplica } from "../replication/hook-replica.ts";
import type { Replica } from "../replication/replica.ts";
import {
  parsePruneOptions,
  parseRetention,
  readRetention,
  type PruneOptions,
  type PruneReceipt,
  type RetentionPolicy,
} from "../retention/policy.ts";
import { prune } from "../retention/prune.ts";
import type { SessionLog } from "../session/session-log.ts";
import { pullChanges } from "../session/session-refresh.ts";
import { sessionFromRow, sessionInternals, type Session } from "../session/session.ts";
import type { AtomRow } from "../backend/atom-row.ts";
import type * as Hooks from "../backend/storage-hooks.ts";
import { ATOM_STREAM_FIELDS, LOAD_FIELDS, MEMORY_STORAGE_FIELDS, SAVE_FIELDS } from "./storage-types.ts";
import type * as Options from "./storage-types.ts";
import { ContentSchemas, type AtomOf, type AtomTypes, type NewAtomOf, type NewAtomsOf } from "../atom/typed-atoms.ts";
import {
  assertAmount,
  assertBoolean,
  assertFunction,
  assertLimit,
  assertName,
  DEFAULT_MAX_ATOM_BYTES,
  parseAtomId,
  readList,
} from "../atom/validation.ts";

const NOTHING_TO_SAVE: Options.SaveReceipt = Object.freeze({ written: 0, acceptedBy: [], degraded: false });

/**
 * The one interface of all backends. Its public methods check, normalise and serialise their arguments. A backend
 * implements the protected hooks. All semantics that backends share live here, once.
 *
 * Every method opens the storage if necessary. Every failure is a `MemoryError`. Besides the codes that a method lists,
 * any method may throw `unavailable`, `timeout`, `schema`, `corrupt`, `closed` or `unknown` from the store itself.
 */
export abstract class MemoryStorage<Types extends AtomTypes = {}> {
  /** Mints the ids of atoms and sessions. */
  readonly clock: AtomClock;
  readonly maxAtomBytes: number;
  readonly #schemas: ContentSchemas;
  readonly #onUnreadable: ((atom: UnreadableAtom) => void) | undefined;
  readonly #retention: RetentionPolicy;
  readonly #operations = new Operations({
    open: () => this.openBackend(),
    close: () => this.closeBackend(),
    backend: () => this.backend,
    toMemoryError: (error) => this.toMemoryError(error),
  });

  /**
   * Does no I/O.
   *
   * @param fields the options that the backend takes; any other field is refused. Default: the options of all backends.
   * @throws {MemoryError} `invalid_input` for an invalid option.
   */
  constructor(
    options: Options.MemoryStorageOptions<Types> = {},
    fields: OptionFields<Options.MemoryStorageOptions<Types>> = MEMORY_STORAGE_FIELDS,
  ) {
    const given = readOptions(options, fields, "options");
    const { maxAtomBytes = DEFAULT_MAX_ATOM_BYTES, clock = processClock, atomTypes = {}, retention = {} } = given;
    assertAmount(maxAtomBytes, "options.maxAtomBytes");
    assertClock(clock);
    if (given.onUnreadable !== undefined) assertFunction(given.onUnreadable, "options.onUnreadable");
    this.clock = clock;
    this.maxAtomBytes = maxAtomBytes;
    this.#schemas = new ContentSchemas(atomTypes);
    this.#onUnreadable = given.onUnreadable;
    this.#retention = readRetention(retention, "options.retention");
    parseRetention(this.#retention, clock.wallTimeMs(), "options.retention");
  }

  /** The backend's name, as errors and receipts show it. */
  protected abstract readonly backend: string;
  /** Makes the store ready. Called again after a failure, but never after a success. */
  protected abstract openBackend(): Promise<void>;
  /**
   * Releases all resources. Called once, with nothing in flight, even when the store never opened or failed to open.
   */
  protected abstract closeBackend(): Promise<void>;
  /**
   * Inserts atoms and updates the heads of their sessions, all or nothing.
   *
   * A row that is already stored with the same content is left alone. A row whose id has a tombstone is skipped
   * silently.
   *
   * @throws {MemoryError} `conflict` for a row that is stored with other content, or a session that changed under
   *   `expectedHistoryXor`; `permission` for a session of another user; `not_found` for a deleted session.
   */
  protected abstract writeAtoms(write: Hooks.AtomWrite): Promise<Hooks.AtomWriteResult>;
  /** A page of atoms, in the requested order. */
  protected abstract selectAtoms(selection: Hooks.AtomSelection): Promise<readonly AtomRow[]>;
  /** One session with its messages, as of one moment. */
  protected abstract selectSession(selection: Hooks.SessionSelection): Promise<Hooks.SessionRow | undefined>;
  /** A page of sessions, in the requested order. */
  protected abstract selectHeads(selection: Hooks.HeadSelection): Promise<readonly SessionHead[]>;
  /**
   * Deletes rows and writes tombstones for their owner, in one step. An id that is not stored leaves a tombstone only
   * in a session whose owner is known. A session keeps its owner after its last atom is deleted. A deleted session,
   * like every session of a deleted user, keeps only the owner's digest in its tombstone and stays deleted for all
   * users. Sessions without atoms are not counted.
   */
  protected abstract deleteAtoms(deletion: Hooks.Deletion): Promise<Hooks.DeletionResult>;
  /**
   * Removes the bytes of deleted rows from the store's files, as far as is possible now. Called once after each public
   * call that erases, which must not fail because of it. Default: nothing is left to remove.
   *
   * @returns the places that may still hold erased bytes.
   */
  protected async finishErasure(): Promise<readonly ErasureResidue[]> {
    return [];
  }
  /** A page of expired atoms, the earliest expiry first. */
  protected abstract selectExpired(selection: Hooks.ExpiredSelection): Promise<readonly Hooks.ExpiredAtom[]>;
  /** A page of tombstones. */
  protected abstract selectTombstones(selection: Hooks.TombstoneSelection): Promise<readonly Hooks.Tombstone[]>;
  /**
   * Merges facts from another store, all or nothing and idempotently. Tombstones come first and win over the atoms of
   * their owner: those atoms are deleted, and rows of that owner are skipped silently when a tombstone names them or
   * their session. Facts of other owners are not touched. A tombstone for an atom that is not stored is kept, in case
   * the atom arrives later.
   *
   * @throws {MemoryError} `conflict` for a row that is stored with other content, `permission` for a session of another
   *   user.
   */
  protected abstract mergeFacts(facts: Hooks.Facts): Promise<Hooks.Merged>;
  /** Converts an error of the client library to a typed error. */
  protected abstract toMemoryError(error: unknown): MemoryError;

  /** Opens the storage. Idempotent; may be called again after a failure. */
  async open(): Promise<this> {
    await this.#operations.open();
    return this;
  }

  /** Waits for all operations in flight and closes permanently: later calls throw `closed`. Idempotent. */
  close(): Promise<void> {
    return this.#operations.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Writes the unsaved part of a session in one atomic step; see `Session.save`.
   *
   * @throws {MemoryError} `conflict` under `ifUnchanged`, or for an id with other content; `not_found` for a deleted
   *   session; `permission` for a session id of another user; `invalid_input` for a session of another storage.
   */
  saveSession(session: Session, options?: Options.SaveOptions): Promise<Options.SaveReceipt> {
    return this.#operations.run("saveSession", "write", () => {
      const { ifUnchanged = false } = readOptions(options, SAVE_FIELDS, "options");
      assertBoolean(ifUnchanged, "options.ifUnchanged");
      const log = this.#logOf(session);
      return log.exclusively(async () => {
        const batch = log.takeUnsaved();
        if (batch === undefined) return NOTHING_TO_SAVE;
        const write: Hooks.AtomWrite = {
          rows: batch.rows,
          session: {
            sessionId: encodeText(log.sessionId),
            userId: encodeText(log.userId),
            knownHistoryXor: batch.historyXor,
            knownMetadataIds: batch.metadataIds,
            ...batch.cleared,
            expectedHistoryXor: ifUnchanged ? batch.historyXor : undefined,
          },
        };
        const { written, acceptedBy, degraded, historyXor } = await this.#operations.use(() => this.writeAtoms(write));
        log.acknowledge(batch, historyXor);
        const receipt = { written, acceptedBy, degraded };
        if (batch.cleared === undefined) return receipt;
        return { ...receipt, residue: await this.#operations.use(() => this.finishErasure()) };
      });
    });
  }

  /**
   * Loads a session, or returns null if there is none.
   *
   * @throws {MemoryError} `invalid_input`.
   */
  loadSession(sessionId: string, options: Options.LoadOptions = {}): Promise<Session | null> {
    return this.#operations.run("loadSession", "read", async () => {
      assertName(sessionId, "sessionId");
      const given = readOptions(options, LOAD_FIELDS, "options");
      const userId = guardOf(given, "options");
      const { lastMessages } = given;
      if (lastMessages !== undefined) assertLimit(lastMessages, "options.lastMessages");
      const selection = { sessionId: encodeText(sessionId), userId, lastMessages };
      const row = await this.#operations.use(() => this.selectSession(selection));
      if (row === undefined) return null;
      const session = sessionFromRow(row, this, lastMessages);
      session.unreadable.forEach((atom) => this.#onUnreadable?.(atom));
      return session;
    });
  }

  /** Reads the changes that others made to a session; see `Session.refresh`. */
  refreshSession(session: Session): Promise<void> {
    return this.#operations.run("refresh", "read", () => {
      const log = this.#logOf(session);
      return log.exclusively(async () => {
        const isRead = await pullChanges(log, {
          selectSession: (selection) => this.#operations.use(() => this.selectSession(selection)),
          selectTombstones: (selection) => this.#operations.use(() => this.selectTombstones(selection)),
        });
        if (isRead) log.unreadable.forEach((atom) => this.#onUnreadable?.(atom));
      });
    });
  }

  /**
   * Deletes a session permanently: its id is never used again, and atoms that arrive late are refused. {@link residue}
   * lists the places that may still hold bytes of it.
   *
   * @returns whether the session existed.
   * @throws {MemoryError} `invalid_input`.
   */
  deleteSession(sessionId: string, options: Options.UserGuard = {}): Promise<boolean> {
    return this.#operations.run("deleteSession", "write", async () => {
      assertName(sessionId, "sessionId");
      const deletion = { scope: "session", sessionId: encodeText(sessionId), userId: parseGuard(options) } as const;
      return (await this.#erase(deletion)).sessions > 0;
    });
  }

  /**
   * A page of sessions, most recent first. For the next page, pass the `lastAtomId` of the last session as `before`.
   *
   * No session appears on two pages. A session that changes between two pages moves to the front, before the first
   * page; use {@link sessions} to visit all.
   *
   * @throws {MemoryError} `invalid_input`.
   */
  listSessions(query: Options.SessionQuery = {}): Promise<Options.SessionSummary[]> {
    return this.#operations.run("listSessions", "read", async () => {
      const selection = parseSessionQuery(query);
      return (await this.#operations.use(() => this.selectHeads(selection))).map(summarize);
    });
  }

  /**
   * Saves one atom. A call with an `id` from the caller may be repeated: the same content changes nothing.
   *
   * @throws {MemoryError} `invalid_input`, also for content that does not match its schema; `conflict` for an id with
   *   other content; `permission` for a session of another user; `not_found` for a deleted session.
   * @example
   * await storage.saveMemoryAtom({ sessionId, userId, memoryType: "decision", content: { replace: "brake chopper" } });
   */
  async saveMemoryAtom<Type extends string>(atom: NewAtomOf<Types, Type>): Promise<AtomOf<Types, Type>> {
    return this.#operations.run("saveMemoryAtom", "write", async () => {
      const [saved] = await this.#saveAtoms([atom], () => "atom");
      return saved as AtomOf<Types, Type>;
    });
  }

  /**
   * Saves several atoms, of any sessions, all or nothing; otherwise like {@link saveMemoryAtom}.
   *
   * @returns the atoms in the given order.
   */
  async saveMemoryAtoms<const List extends readonly string[]>(
    atoms: NewAtomsOf<Types, List>,
  ): Promise<AtomOf<Types, List[number]>[]> {
    return this.#operations.run("saveMemoryAtoms", "write", async () => {
      const list = readList(atoms, "atoms", (atom) => atom as NewAtomOf<Types, string>);
      return (await this.#saveAtoms(list, (index) => `atoms[${index}]`)) as AtomOf<Types, List[number]>[];
    });
  }

  async #saveAtoms(atoms: readonly NewAtomOf<Types, string>[], pathOf: (index: number) => string): Promise<unknown[]> {
    const rows = Array.from(atoms, (atom, index) => prepareAtom(atom, pathOf(index), this.clock, this.maxAtomBytes));
    const typed = await Promise.all(
      rows.map((row, index) => this.#schemas.parse(decodeAtom(row), `${pathOf(index)}.content`)),
    );
    if (rows.length > 0) await this.#operations.use(() => this.writeAtoms({ rows: arrangeRows(rows) }));
    return typed;
  }

  /**
   * A page of atoms, newest first, including messages and session metadata. For the next page, pass the id of the last
   * atom as `before`. With `after` alone, the page starts next to that id, so that paging works in both directions.
   *
   * Rows that cannot be read are not among the atoms; they are in the `unreadable` property of the result.
   *
   * @throws {MemoryError} `invalid_input`.
   * @example
   * const decisions = await storage.queryMemoryAtoms({ sessionId, memoryType: "decision", limit: 10 });
   */
  async queryMemoryAtoms<Type extends string = string>(
    query: Options.AtomQuery<Type> = {},
  ): Promise<AtomList<AtomOf<Types, Type>>> {
    return this.#operations.run("queryMemoryAtoms", "read", async () => {
      const selection = { ...parseAtomQuery(query), unexpiredAtMs: this.clock.wallTimeMs() };
      const unreadable: UnreadableAtom[] = [];
      const take = (atom: UnreadableAtom): void => {
        unreadable.push(atom);
        this.#onUnreadable?.(atom);
      };
      const atoms = await this.#readPage(selection, take);
      if (selection.order === "oldest-first") atoms.reverse();
      return Object.defineProperty(atoms, "unreadable", { value: unreadable }) as AtomList<AtomOf<Types, Type>>;
    });
  }

  /**
   * Deletes atoms permanently: they leave tombstones, which keep out late arrivals. {@link residue} lists the
   * places that may still hold bytes of them.
   *
   * @returns the number of atoms that existed.
   * @throws {MemoryError} `invalid_input`.
   */
  deleteMemoryAtoms(sessionId: string, ids: readonly string[], options: Options.UserGuard = {}): Promise<number> {
    return this.#operations.run("deleteMemoryAtoms", "write", async () => {
      assertName(sessionId, "sessionId");
      const unique = [...new Set(readList(ids, "ids", parseAtomId))].toSorted();
      const userId = parseGuard(options);
      if (unique.length === 0) return 0;
      const deletion = { scope: "atoms", sessionId: encodeText(sessionId), userId, ids: unique } as const;
      return (await this.#erase(deletion)).atoms;
    });
  }

  async #erase(deletion: Hooks.Deletion): Promise<Hooks.DeletionResult & Pick<Options.ErasureReceipt, "residue">> {
    const result = await this.#operations.use(() => this.deleteAtoms(deletion));
    return { ...result, residue: await this.#operations.use(() => this.finishErasure()) };
  }

  /**
   * The places that may still hold erased bytes, though no read finds them: after `deleteUser`, `deleteSession`,
   * `deleteMemoryAtoms`, `prune`, a save that clears the history, or deletions that arrived by replication. First tries
   * again to remove bytes that an earlier attempt could not, for instance because another process was reading.
   *
   * @returns an empty list when no file of the store holds any erased bytes.
   * @example
   * await storage.deleteSession(sessionId);
   * for (const { store, until } of await storage.residue()) console.warn(store, until);
   */
  residue(): Promise<readonly ErasureResidue[]> {
    return this.#operations.run("residue", "write", () => this.#operations.use(() => this.finishErasure()));
  }

  /**
   * Erases all data of one user in one step, with tombstones that keep it erased.
   *
   * @throws {MemoryError} `invalid_input`.
   */
  deleteUser(userId: string): Promise<Options.ErasureReceipt> {
    return this.#operations.run("deleteUser", "write", async () => {
      assertName(userId, "userId");
      const result = await this.#erase({ scope: "user", userId: encodeText(userId) });
      return { userId, ...result, erasedAt: new Date(this.clock.wallTimeMs()) };
    });
  }

  /**
   * Deletes expired atoms and atoms that the policy selects. Nothing is ever pruned without this call.
   *
   * Guarantees: pruned atoms leave tombstones and are deleted in every store, like any deletion. A tool call and its
   * results are deleted or kept together, and a call that still waits for its result is kept. Session metadata is kept,
   * so that a session is emptied and can be continued, never deleted. Each batch is atomic, so that an interrupted
   * prune may be called again, and writers and other prunes may run meanwhile. Memory use and locks are proportional to
   * the size of a batch.
   *
   * @param policy Default: the storage's `retention`.
   * @throws {MemoryError} `invalid_input`; also the reason of the abort signal.
   * @example
   * const receipt = await storage.prune({ olderThanMs: 90 * 24 * 60 * 60 * 1000, memoryTypes: ["log", "context"] });
   */
  async prune(policy: RetentionPolicy = this.#retention, options: PruneOptions = {}): Promise<PruneReceipt> {
    const settings = await this.#operations.run("prune", "write", async () => {
      const nowMs = this.clock.wallTimeMs();
      return { nowMs, retention: parseRetention(policy, nowMs), ...parsePruneOptions(options) };
    });
    // Each step is a separate operation, so that the storage may close between two steps.
    const step = <Result>(kind: OperationKind, hook: () => Promise<Result>): Promise<Result> =>
      this.#operations.run("prune", kind, () => this.#operations.use(hook));
    const hooks = {
      selectExpired: (selection: Hooks.ExpiredSelection) => step("read", () => this.selectExpired(selection)),
      selectHeads: (selection: Hooks.HeadSelection) => step("read", () => this.selectHeads(selection)),
      selectSession: (selection: Hooks.SessionSelection) => step("read", () => this.selectSession(selection)),
      selectAtoms: (selection: Hooks.AtomSelection) => step("read", () => this.selectAtoms(selection)),
      deleteAtoms: (deletion: Hooks.Deletion) => step("write", () => this.deleteAtoms(deletion)),
      finishErasure: () => step("write", () => this.finishErasure()),
    };
    return prune(hooks, settings);
  }

  /**
   * Every atom, session by session and oldest first within each, in constant memory. An atom that was stored when the
   * stream began and is not deleted meanwhile appears exactly once.
   *
   * @throws {MemoryError} `invalid_input`; `corrupt` or `schema` at the end, after all readable atoms, if some rows
   *   could not be read and no `onUnreadable` takes them.
   * @example
   * for await (const atom of storage.atoms({ userId })) await archive.write(atom);
   */
  async *atoms<Type extends string = string>(
    query: Options.AtomStreamQuery<Type> = {},
  ): AsyncGenerator<AtomOf<Types, Type>, void, undefined> {
    const given = await this.#operations.run("atoms", "read", async () => {
      const read = readOptions(query, ATOM_STREAM_FIELDS, "query");
      if (read.onUnreadable !== undefined) assertFunction(read.onUnreadable, "query.onUnreadable");
      return { filter: parseFilter(read), onUnreadable: read.onUnreadable };
    });
    const { filter, onUnreadable = this.#onUnreadable } = given;
    const unreadable: UnreadableAtom[] = [];
    const take = (atom: UnreadableAtom): void => {
      if (onUnreadable === undefined) unreadable.push(atom);
      else onUnreadable(atom);
    };
    // Each page is a separate operation, so that the storage may close between two pages.
    const select = (page: Hooks.AtomSelection): Promise<readonly AtomRow[]> =>
      this.#operations.run("atoms", "read", () =>
        this.#operations.use(() => this.selectAtoms({ ...page, unexpiredAtMs: this.clock.wallTimeMs() })),
      );
    const sessionIds = filter.sessionId === undefined ? this.#sessionIds(filter.userId) : [filter.sessionId];
    for await (const sessionId of sessionIds) {
      const first = { ...filter, sessionId, order: "oldest-first", limit: STREAM_PAGE } as const;
      for await (const rows of atomPages(first, select)) {
        for (const row of rows) {
          const atom = await this.#schemas.read(row, take);
          if (atom !== undefined) yield atom as AtomOf<Types, Type>;
        }
      }
    }
    const [first] = unreadable;
    if (first !== undefined) throw this.#operations.described(couldNotRead(first, unreadable.length), "atoms", "read");
  }

  /**
   * Every session, in an order that appends do not change. A session that existed when the iteration began and is not
   * deleted meanwhile appears exactly once.
   *
   * @throws {MemoryError} `invalid_input`.
   */
  async *sessions(query: Options.UserGuard = {}): AsyncGenerator<Options.SessionSummary, void, undefined> {
    const userId = await this.#operations.run("sessions", "read", async () => parseGuard(query, "query"));
    for await (const head of this.#heads("sessions", userId)) yield summarize(head);
  }

  async *#sessionIds(userId: string | undefined): AsyncGenerator<string> {
    for await (const head of this.#heads("atoms", userId)) yield head.sessionId;
  }

  async *#heads(operation: string, userId: string | undefined): AsyncGenerator<SessionHead> {
    let afterSessionId: string | undefined;
    for (;;) {
      const selection = { order: "session-id", userId, afterSessionId, limit: STREAM_PAGE } as const;
      const heads = await this.#operations.run(operation, "read", () =>
        this.#operations.use(() => this.selectHeads(selection)),
      );
      yield* heads;
      if (heads.length < STREAM_PAGE) return;
      afterSessionId = heads.at(-1)?.sessionId;
    }
  }

  /**
   * Reads as many atoms as requested. Reads further pages only when rows of the first are unreadable; the result is
   * short only at the end.
   */
  async #readPage(
    selection: Hooks.AtomSelection,
    unreadable: (atom: UnreadableAtom) => void,
  ): Promise<MemoryAtom<string, unknown>[]> {
    const atoms: MemoryAtom<string, unknown>[] = [];
    for await (const rows of atomPages(selection, (page) => this.#operations.use(() => this.selectAtoms(page)))) {
      for (const row of rows) {
        const atom = await this.#schemas.read(row, unreadable);
        if (atom !== undefined && atoms.push(atom) === selection.limit) return atoms;
      }
    }
    return atoms;
  }

  /**
   * Runs a public method that only one backend has, under the rules of all public methods: the storage is opened first
   * if necessary, `close` waits for the operation, the process does not end before it, and its errors name it.
   *
   * @throws {MemoryError} the error that `work` throws, or `closed`.
   */
  protected runOperation<Result>(operation: string, kind: OperationKind, work: () => Promise<Result>): Promise<Result> {
    return this.#operations.run(operation, kind, () => this.#operations.use(work));
  }

  /** The rows of this store, for packages that use it in place of another store. */
  get reader(): Hooks.RowReader {
    const read = <Result>(hook: () => Promise<Result>): Promise<Result> =>
      this.#operations.run("reader", "read", () => this.#operations.use(hook));
    return {
      selectSession: (selection) => read(() => this.selectSession(selection)),
      selectHeads: (selection) => read(() => this.selectHeads(selection)),
      selectAtoms: (selection) => read(() => this.selectAtoms(selection)),
    };
  }

  /** The replication interface of this store, for {@link replicate}, {@link verify} and packages that replicate. */
  get replica(): Replica {
    const read = <Result>(hook: () => Promise<Result>): Promise<Result> =>
      this.#operations.run("replica", "read", () => this.#operations.use(hook));
    return new HookReplica(this.backend, {
      selectAtoms: (selection) => read(() => this.selectAtoms(selection)),
      selectHeads: (selection) => read(() => this.selectHeads(selection)),
      selectTombstones: (selection) => read(() => this.selectTombstones(selection)),
      merge: (facts) =>
        this.#operations.run("replica", "write", async () => {
          assertMayEnter(facts);
          return this.#operations.use(() => this.mergeFacts(facts));
        }),
      finishErasure: () => this.residue(),
    });
  }

  #logOf(session: Session): SessionLog {
    const internals = sessionInternals(session);
    if (internals === undefined) {
      throw invalidInput("session", "is not a Session of this copy of @rivet/memory-core; install one copy of it");
    }
    if (internals.storage === undefined) internals.bind(this);
    else if (internals.storage !== this) {
      throw invalidInput("session", "belongs to another storage; call its own save(), or load it from this storage");
    }
    return internals.log;
  }
}

function assertClock(clock: AtomClock): void {
  const isClock = ["next", "observe", "wallTimeMs"].every(
    (method) => typeof Reflect.get(Object(clock), method) === "function",
  );
  if (!isClock) throw invalidInput("options.clock", "is not a clock; expected an AtomClock");
}
