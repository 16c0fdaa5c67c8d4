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
 * The one interface of all backends. Its public methods check, normalise and serialise; a backend translates the
 * protected hooks, and all semantics that backends share live here, once.
 *
 * Every method opens the storage when need be. Every failure is a `MemoryError`; besides the codes that a method names
 * there may be `unavailable`, `timeout`, `schema`, `corrupt`, `closed` and `unknown` from the store itself.
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
   * @param fields of the options that the backend takes. Default: those that all backends have. A field that is not among
   *   them is refused.
   * @throws {MemoryError} `invalid_input` for an option that is not one.
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
  /** Makes the store ready. May be called again after it failed; not after it succeeded. */
  protected abstract openBackend(): Promise<void>;
  /** Releases everything. Called once, with nothing in flight; also when the store never opened, or failed to. */
  protected abstract closeBackend(): Promise<void>;
  /**
   * Inserts atoms and maintains their sessions' heads, all or nothing.
   *
   * A row that is there with the same content is left alone; one whose id has a tombstone is left out silently.
   *
   * @throws {MemoryError} `conflict` for a row that is there with other content or a session that changed under
   *   `expectedHistoryXor`, `permission` for a session of another user, `not_found` for a deleted session.
   */
  protected abstract writeAtoms(write: Hooks.AtomWrite): Promise<Hooks.AtomWriteResult>;
  /** A page of atoms, in the order asked for. */
  protected abstract selectAtoms(selection: Hooks.AtomSelection): Promise<readonly AtomRow[]>;
  /** One session with its messages, as of one moment. */
  protected abstract selectSession(selection: Hooks.SessionSelection): Promise<Hooks.SessionRow | undefined>;
  /** A page of sessions, in the order asked for. */
  protected abstract selectHeads(selection: Hooks.HeadSelection): Promise<readonly SessionHead[]>;
  /**
   * Removes rows and leaves tombstones of their owner, in one step. What is not there leaves none, but for ids in a session whose
   * owner is known. A session whose last atom goes keeps its owner; one that is deleted, and one of a user who is, keeps no more
   * of the owner than the tombstone has, and stays deleted for everybody. Sessions that had no atoms are not counted.
   */
  protected abstract deleteAtoms(deletion: Hooks.Deletion): Promise<Hooks.DeletionResult>;
  /**
   * Ends what deletions leave in the store's files, as far as that can be done now. Called once after each public call that
   * erases, and never the reason why one fails. Default: nothing is left.
   *
   * @returns where bytes of what was erased may still be.
   */
  protected async finishErasure(): Promise<readonly ErasureResidue[]> {
    return [];
  }
  /** A page of atoms that have expired, those that did first in front. */
  protected abstract selectExpired(selection: Hooks.ExpiredSelection): Promise<readonly Hooks.ExpiredAtom[]>;
  /** A page of tombstones. */
  protected abstract selectTombstones(selection: Hooks.TombstoneSelection): Promise<readonly Hooks.Tombstone[]>;
  /**
   * Takes what another store knows, all or nothing and idempotently. Tombstones come first and win over the atoms of their
   * owner: these are removed, and rows of the owner that they name, or whose session they name, are left out silently. What is
   * somebody else's is not touched; a tombstone for what is not there is kept for when it comes.
   *
   * @throws {MemoryError} `conflict` for a row that is there with other content, `permission` for a session of another user.
   */
  protected abstract mergeFacts(facts: Hooks.Facts): Promise<Hooks.Merged>;
  /** The typed error for what the client library threw. */
  protected abstract toMemoryError(error: unknown): MemoryError;

  /** Opens the storage. Idempotent; may be called again after a failure. */
  async open(): Promise<this> {
    await this.#operations.open();
    return this;
  }

  /** Waits for what is in flight and closes for good: later calls throw `closed`. Idempotent. */
  close(): Promise<void> {
    return this.#operations.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Writes what is new in a session, in one atomic step; see `Session.save`.
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
   * Loads a session, or null when there is none.
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

  /** Pulls what others changed in a session; see `Session.refresh`. */
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
   * Deletes a session for good: its id is never used again, and atoms that arrive late stay out. {@link residue} says
   * whether the store's files may still hold bytes of it.
   *
   * @returns whether there was such a session.
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
   * A page of sessions, most recent first. The next page is the one `before` the `lastAtomId` of the last session.
   *
   * No session appears on two pages. A session that is written to between two pages moves to the front, before the
   * first page; use {@link sessions} to visit all.
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
   * Saves one atom. With an `id` of the caller's, the call may be repeated: the same content changes nothing.
   *
   * @throws {MemoryError} `invalid_input`, also for content that does not fit its schema; `conflict` for an id with
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
   * Saves several atoms, of any sessions, all or nothing; otherwise as {@link saveMemoryAtom}.
   *
   * @returns them in the order given.
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
   * A page of atoms, newest first, messages and session metadata included. The next page is the one `before` the id of
   * the last atom; with `after` alone, the page is the one next to that id, so that paging works both ways.
   *
   * Rows that cannot be read are not among the atoms; they are in `unreadable`, beside them.
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
   * Deletes atoms for good: they leave tombstones, which keep out late arrivals. {@link residue} says whether the store's
   * files may still hold bytes of them.
   *
   * @returns how many of them were there.
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
   * Where bytes of what was erased may still be, though no read finds them: after `deleteUser`, `deleteSession`,
   * `deleteMemoryAtoms`, `prune`, a save that clears the history, or deletions that replication brought. It first tries again
   * to remove what is left, for instance because another process was reading.
   *
   * @returns nothing when no file of the store holds any of it.
   * @example
   * await storage.deleteSession(sessionId);
   * for (const { store, until } of await storage.residue()) console.warn(store, until);
   */
  residue(): Promise<readonly ErasureResidue[]> {
    return this.#operations.run("residue", "write", () => this.#operations.use(() => this.finishErasure()));
  }

  /**
   * Erases everything of one user, in one step, with tombstones that keep it erased.
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
   * Removes what has expired, and what the policy lets go; nothing is ever removed without this call.
   *
   * Guarantees: what goes leaves tombstones, and is removed everywhere, as any deletion; a tool call and its results go or
   * stay together, and one that waits for its result stays; session metadata stay, so that a session is emptied and can be
   * gone on with, never deleted; each batch is atomic, so that a prune that was interrupted may be called again, and writers
   * and other prunes may work meanwhile. Memory and locks follow the size of a batch.
   *
   * @param policy Default: the storage's `retention`.
   * @throws {MemoryError} `invalid_input`; and the signal's reason.
   * @example
   * const receipt = await storage.prune({ olderThanMs: 90 * 24 * 60 * 60 * 1000, memoryTypes: ["log", "context"] });
   */
  async prune(policy: RetentionPolicy = this.#retention, options: PruneOptions = {}): Promise<PruneReceipt> {
    const settings = await this.#operations.run("prune", "write", async () => {
      const nowMs = this.clock.wallTimeMs();
      return { nowMs, retention: parseRetention(policy, nowMs), ...parsePruneOptions(options) };
    });
    // Each step is an operation of its own: a storage may close between two.
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
   * Every atom, session by session and oldest first within each, in constant memory. What was stored when the stream
   * began and is not deleted meanwhile is in it once.
   *
   * @throws {MemoryError} `invalid_input`; `corrupt` or `schema` at its end, after all that could be read, when rows
   *   could not and nobody takes them.
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
    // Each page is an operation of its own: a storage may close between two.
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
   * Every session, in an order that appends do not change: what existed when the iteration began and is not deleted
   * meanwhile is in it once.
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

  /** As many atoms as asked for; further pages are read only when rows of the first cannot be: it is short at the end. */
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
   * Runs a public method that only one backend has as the methods of all run: the storage is opened first when need be,
   * `close` waits for it, the process does not end before it, and its failure names it.
   *
   * @throws {MemoryError} what the work throws, or `closed`.
   */
  protected runOperation<Result>(operation: string, kind: OperationKind, work: () => Promise<Result>): Promise<Result> {
    return this.#operations.run(operation, kind, () => this.#operations.use(work));
  }

  /** What this store holds, row by row, for packages that let it stand in for another store. */
  get reader(): Hooks.RowReader {
    const read = <Result>(hook: () => Promise<Result>): Promise<Result> =>
      this.#operations.run("reader", "read", () => this.#operations.use(hook));
    return {
      selectSession: (selection) => read(() => this.selectSession(selection)),
      selectHeads: (selection) => read(() => this.selectHeads(selection)),
      selectAtoms: (selection) => read(() => this.selectAtoms(selection)),
    };
  }

  /** This store as replication sees it, for {@link replicate}, {@link verify} and packages that replicate. */
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
  if (!isClock) throw invalidInput("options.clock", "is no clock; expected an AtomClock");
}
