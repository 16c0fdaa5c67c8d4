/** Sends each write to a provider, or to the local journal at its place in the order. */
import type { DatabaseManager } from "@rivet/db-manager";
import {
  addRemoved,
  assertMayEnter,
  atomIdTimeMs,
  MemoryError,
  type AtomWrite,
  type AtomWriteResult,
  type Deletion,
  type DeletionResult,
  type ErasureResidue,
  type Facts,
  type JournalBacklog,
  type Merged,
  type Removed,
  type WriteQueue,
} from "@rivet/memory-core";
import { appendQueue } from "./append-queue.ts";
import type { Written } from "./append-to-sessions.ts";
import { append } from "./append.ts";
import { Drainer } from "../journal/drainer.ts";
import { isMissingTable, isProvidersFault, toPostgresMemoryError } from "../errors.ts";
import {
  deliverDeleted,
  discardDeleted,
  journaledClearing,
  journaledDeletion,
  type JournaledDeletion,
} from "../journal/journaled-deletion.ts";
import { fitsJournal, LOCAL, type LocalJournal } from "../journal/local-journal.ts";
import type { LocalReplica } from "../journal/local-replica.ts";
import { merge } from "./merge.ts";
import { assertNotKnownOverruled, overruledAt } from "./overruled.ts";
import { remove } from "./remove.ts";
import type { Replicator } from "../replication/replicator.ts";
import type { JournalStatus } from "../replication/status.ts";
import type { Statements } from "../statements/index.ts";
import type { Store } from "../providers/store.ts";

interface Fallback {
  readonly journal: LocalJournal;
  readonly drainer: Drainer;
  /** The providers that precede the journal in the order, and those that follow it. */
  readonly before: readonly string[];
  readonly behind: readonly string[];
}

interface WritePathInit {
  readonly store: Omit<Store, "route">;
  readonly journal: LocalJournal | undefined;
  /** The local replica, which receives every write. */
  readonly localReplica: LocalReplica | undefined;
  /** Statements that leave no hints. */
  readonly unhinted: Statements;
  readonly replicator: Replicator;
  /** The number of providers that must have committed a write. */
  readonly required: number;
}

export class WritePath {
  readonly #store: Store;
  readonly #replicator: Replicator;
  readonly #required: number;
  readonly #queue: WriteQueue<Written>;
  readonly #fallback: Fallback | undefined;
  readonly #localReplica: LocalReplica | undefined;
  #removeGuard: (() => void) | undefined;
  #removeBacklog: (() => void) | undefined;

  constructor({ store, journal, localReplica, unhinted, replicator, required }: WritePathInit) {
    this.#replicator = replicator;
    this.#localReplica = localReplica;
    this.#required = required;
    // The journal tracks the backlog of each provider itself, so its deliveries leave no hints.
    this.#fallback = journal && fallbackOf({ ...store, statements: unhinted }, journal);
    const before = this.#fallback?.before;
    const route = before === undefined ? { hedge: true } : { hedge: true, providers: before, lastResort: false };
    this.#store = { ...store, route };
    this.#queue = appendQueue(this.#store);
  }

  get hasJournal(): boolean {
    return this.#fallback !== undefined;
  }

  /**
   * Starts the background work. Call this when the providers are ready.
   *
   * @throws {MemoryError} `schema` if the options name a journal but its package is missing.
   */
  async open(): Promise<void> {
    const { db } = this.#store;
    if (this.#fallback === undefined) return;
    const { drainer, journal } = this.#fallback;
    await journal.load((error) => db.report(db.preferred, error));
    if (journal.mayHoldAtoms) drainer.start();
    // A recovered provider receives what it missed before it takes work; if it is the only one, it takes work at once.
    this.#removeGuard = db.addReturnGuard({ catchUp: ({ name }) => drainer.catchUp(name) });
    this.#removeBacklog = db.addBacklog(() => this.#backlog(journal));
    db.on("stateChange", this.#onStateChange);
  }

  /** Returns the journal's backlog for each provider; undefined if there is no journal. */
  async journalStatus(nowMs: number): Promise<JournalStatus[] | undefined> {
    const journal = this.#fallback?.journal;
    if (journal === undefined) return undefined;
    return (await this.#backlog(journal)).map(({ store, atoms, bytes, oldestId }) => ({
      to: store,
      atoms,
      bytes,
      oldestAtomAgeMs: oldestId === undefined ? undefined : Math.max(0, nowMs - atomIdTimeMs(oldestId)),
    }));
  }

  /** Returns the backlog of the journal. It is empty if there is no file, and this does not create one. */
  async #backlog(journal: LocalJournal): Promise<readonly JournalBacklog[]> {
    const names = this.#store.db.providerNames;
    if (journal.mayHoldAtoms) return journal.backlog(names);
    return names.map((store) => ({ store, atoms: 0, bytes: 0, oldestId: undefined }));
  }

  submit(write: AtomWrite): Promise<AtomWriteResult> {
    const fallback = this.#fallback;
    if (fallback === undefined) return this.#write(write);
    if (fitsJournal(write)) return this.#writeOrJournal(write, fallback);
    const { session } = write;
    if (session?.clearThroughId === undefined) return this.#write(write);
    return this.#withJournaled(journaledClearing(session), () => this.#write(write));
  }

  async #writeOrJournal(write: AtomWrite, fallback: Fallback): Promise<AtomWriteResult> {
    const { db } = this.#store;
    const providers = { providers: fallback.before };
    let reason: unknown;
    if (db.isUsable(providers)) {
      try {
        return await this.#write(write);
      } catch (error) {
        if (!isProvidersFault(error) && !isMissingTable(error) && db.isUsable(providers)) throw error;
        reason = error;
      }
    }
    return this.#journal(write, fallback, reason);
  }

  /**
   * Deletes at one provider; replication then deletes everywhere. Atoms that this provider does not have yet are looked
   * up at the others; for a user's data, all providers are always searched.
   *
   * @throws {MemoryError} `unavailable` if an unreachable provider may hold some of the data; the data found is
   *   deleted.
   */
  remove(deletion: Deletion): Promise<DeletionResult> {
    return this.#withJournaled(journaledDeletion(deletion), () => this.#remove(deletion));
  }

  /** Runs a deletion that includes the atoms of the journal; see `journaled-deletion.ts`. */
  async #withJournaled<Result>(deletion: JournaledDeletion, work: () => Promise<Result>): Promise<Result> {
    const journal = this.#fallback?.journal;
    // If the journal cannot be opened, the residue of the deletion names it.
    if (journal?.mayHoldAtoms !== true || !(await journal.canBeOpened())) return work();
    await deliverDeleted(journal, deletion, async (facts) => {
      assertMayEnter(facts);
      const { provider, ...merged } = await merge(this.#store, facts);
      this.#replicator.wrote(provider);
      return merged;
    });
    const result = await work();
    await discardDeleted(journal, deletion);
    return result;
  }

  async #remove(deletion: Deletion): Promise<DeletionResult> {
    const { provider, isKnown, ...first } = await remove(this.#store, deletion);
    const isElsewhere = this.#store.db.providerNames.length > 1 && (deletion.scope === "user" || !isKnown);
    this.#localReplica?.catchUpSoon();
    const removed = isElsewhere ? await this.#removeElsewhere(deletion, provider, first) : first;
    return { ...removed, acceptedBy: await this.#replicate(provider, undefined) };
  }

  async #removeElsewhere(deletion: Deletion, provider: string, first: Removed): Promise<Removed> {
    // The deletion is first replicated to the others, so that no atom is counted twice.
    if (deletion.scope === "user") await this.#replicator.drainTo(provider, false);
    let removed = first;
    let isFound = false;
    for (const other of this.#replicator.reachableBeside(provider)) {
      const {
        provider: at,
        isKnown,
        ...more
      } = await remove({ ...this.#store, route: { providers: [other] } }, deletion);
      removed = addRemoved(removed, more);
      isFound ||= isKnown;
      if (isKnown) this.#replicator.wrote(at);
    }
    const { unreachable } = this.#replicator;
    if (unreachable.length > 0 && (deletion.scope === "user" || !isFound)) throw mayHoldMore(unreachable);
    return removed;
  }

  /**
   * Erases the bytes of atoms that the journal has delivered everywhere from its file.
   * @returns places that may still hold some.
   */
  async finishErasure(): Promise<readonly ErasureResidue[]> {
    const journal = this.#fallback?.journal;
    if (journal?.mayHoldAtoms !== true) return [];
    try {
      return (await journal.finishErasure()).map((residue) => ({ ...residue, store: LOCAL }));
    } catch (error) {
      const until = `The journal cannot be opened: ${toPostgresMemoryError(error).message}. Open it once after fixing that to end this.`;
      return [{ store: LOCAL, place: "file", reason: "failed", until }];
    }
  }

  /** Merges facts from another store. */
  async merge(facts: Facts): Promise<Merged> {
    const { provider, ...merged } = await merge(this.#store, facts);
    this.#localReplica?.catchUpSoon();
    await this.#replicate(provider, undefined);
    return merged;
  }

  async #write(write: AtomWrite): Promise<AtomWriteResult> {
    const written = await this.#queue.submit(write);
    const isAppend = write.session?.clearThroughId === undefined;
    if (isAppend) this.#localReplica?.takeSoon(write.rows);
    else this.#localReplica?.catchUpSoon();
    const acceptedBy = await this.#replicate(written.provider, isAppend ? write : undefined);
    return toResult(this.#store.db, written, acceptedBy);
  }

  /**
   * Starts the replication of a write to the other providers, and waits until the required number has committed it.
   *
   * @param append the accepted write, if it only appends rows.
   * @returns the providers that have the write.
   * @throws {MemoryError} `unavailable` if too few providers have it.
   */
  #replicate(provider: string, append: AtomWrite | undefined): readonly string[] | Promise<readonly string[]> {
    this.#replicator.wrote(provider);
    return this.#required === 1 ? [provider] : this.#waitForOthers(provider, append);
  }

  async #waitForOthers(provider: string, append: AtomWrite | undefined): Promise<readonly string[]> {
    const missing = this.#required - 1;
    const others =
      append === undefined
        ? await this.#replicator.drainTo(provider)
        : await this.#replicator.push(provider, { rows: append.rows, tombstones: [] }, missing);
    if (others.length < missing) throw tooFew([provider, ...others], this.#required);
    return [provider, ...others];
  }

  /** Stops the background work. */
  async close(): Promise<void> {
    this.#removeGuard?.();
    this.#removeBacklog?.();
    this.#store.db.off("stateChange", this.#onStateChange);
    await this.#fallback?.drainer.stop();
    await this.#fallback?.journal.close();
  }

  async #journal(write: AtomWrite, { journal, drainer, behind }: Fallback, reason: unknown): Promise<AtomWriteResult> {
    const { db, nowMs } = this.#store;
    const local = this.#localReplica;
    await assertNotKnownOverruled(write, local && (() => local.reader()), nowMs());
    try {
      const written = await journal.append(write.rows);
      // No provider has the write yet, so reads can find it only in the local replica.
      await local?.take(write.rows);
      drainer.start();
      return { written, acceptedBy: [LOCAL], degraded: true };
    } catch (error) {
      if (behind.length === 0) throw bothFailed(reason ?? (await this.#reasonOf()), error);
    }
    const result = await append({ ...this.#store, route: { hedge: true, providers: behind } }, write);
    return toResult(db, result, await this.#replicate(result.provider, write));
  }

  /** Finds the reason why no provider takes work. */
  async #reasonOf(): Promise<unknown> {
    const { db, route } = this.#store;
    return db.query("SELECT 1", [], route).catch((error: unknown) => error);
  }

  readonly #onStateChange = ({ provider, to }: { readonly provider: string; readonly to: string }): void => {
    if (to !== "up") return;
    this.#fallback?.drainer.drainNow(provider);
    this.#localReplica?.catchUpSoon();
  };
}

function fallbackOf(store: Omit<Store, "route">, journal: LocalJournal): Fallback {
  const { db } = store;
  const names = db.providerNames;
  const drainer = new Drainer({
    journal,
    providers: names,
    isUsable: (provider) => db.isUsable({ providers: [provider] }),
    merge: async (provider, facts) => {
      // Others may have access to the journal's file, so its content is checked.
      assertMayEnter(facts);
      const target = { ...store, route: { providers: [provider] } };
      const merged = await merge(target, facts);
      for (const error of await overruledAt(target, facts.rows)) db.report(provider, withoutEffect(error));
      return merged;
    },
    onRefused: (provider, row, error) => db.report(provider, refusedRow(row.id, error)),
    onError: (provider, error) => db.report(provider, error),
    nowMs: () => performance.now(),
  });
  const before = journal.after;
  return { journal, drainer, before, behind: names.filter((name) => !before.includes(name)) };
}

function toResult(
  db: DatabaseManager,
  { written, historyXor, provider }: Written,
  acceptedBy: readonly string[],
): AtomWriteResult {
  return { written, historyXor, acceptedBy, degraded: provider !== db.preferred };
}

function mayHoldMore(unreachable: readonly string[]): MemoryError {
  return new MemoryError({
    code: "unavailable",
    message: `${unreachable.join(", ")} cannot be reached and may hold data to delete; the data of the other providers is deleted. Repeat the deletion when all are back`,
    retryable: true,
    outcome: "unknown",
    backend: "postgres",
  });
}

function tooFew(acceptedBy: readonly string[], required: number): MemoryError {
  return new MemoryError({
    code: "unavailable",
    message: `${acceptedBy.join(", ")} committed the write, but the option acknowledge requires ${required} providers; repeat the save, which writes nothing twice`,
    retryable: true,
    outcome: "unknown",
    backend: "postgres",
  });
}

function bothFailed(providers: unknown, journal: unknown): MemoryError {
  const reasons = [toPostgresMemoryError(providers), toPostgresMemoryError(journal)] as const;
  return new MemoryError({
    code: "unavailable",
    message: `${reasons[0].message}; and the local journal cannot take it: ${reasons[1].message}`,
    retryable: true,
    outcome: reasons[0].outcome,
    cause: new AggregateError(reasons, "the errors of the providers and of the journal"),
  });
}

function withoutEffect(error: MemoryError): Error {
  return new Error(`a metadata change delivered from the local journal has no effect: ${error.message}`, {
    cause: error,
  });
}

function refusedRow(id: string, error: MemoryError): Error {
  return new Error(`the atom ${id} stays in the local journal because a provider refused it: ${error.message}`, {
    cause: error,
  });
}
