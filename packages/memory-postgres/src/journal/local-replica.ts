/** A replica of the providers' data in the local journal's file, for reads while no provider answers. */
import {
  compareRows,
  mergeAround,
  reconcile,
  type AtomRow,
  type RefusedAtom,
  type Replica,
  type RowReader,
} from "@rivet/memory-core";
import type { LocalJournal } from "./local-journal.ts";

interface LocalReplicaInit {
  readonly journal: LocalJournal;
  /** Returns a provider that can be read from now, if there is one. */
  readonly source: () => Replica | undefined;
  /** The interval at which the replica looks for the writes of others. */
  readonly intervalMs: number;
  readonly nowMs: () => number;
  readonly onError: (error: unknown) => void;
}

/** The pause in which the writes of a burst gather. */
const DEBOUNCE_MS = 100;

/**
 * Receives the writes of this process right after they are acknowledged, and the writes of others by comparing itself
 * with a provider at intervals. Only tombstones remove atoms from it.
 */
export class LocalReplica {
  readonly #init: LocalReplicaInit;
  readonly #stop = new AbortController();
  #interval: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  readonly #rows = new Map<string, AtomRow>();
  #isBehind = false;
  #caughtUpAt: Date | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(init: LocalReplicaInit) {
    this.#init = init;
  }

  /** The time at which the replica was last equal to a provider; undefined if it never was. */
  get caughtUpAt(): Date | undefined {
    return this.#caughtUpAt;
  }

  /** Starts the comparisons. Call this when the reachable providers are ready. */
  open(): void {
    this.#interval = setInterval(() => this.catchUpSoon(0), this.#init.intervalMs).unref();
    this.catchUpSoon(0);
  }

  /** Stores the waiting rows and stops. An unfinished comparison continues after the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    clearInterval(this.#interval);
    await this.#flush();
  }

  async reader(): Promise<RowReader> {
    return (await this.#init.journal.storage()).reader;
  }

  /** Stores acknowledged rows. Resolves when they are stored. */
  async take(rows: readonly AtomRow[]): Promise<void> {
    this.#keep(rows);
    await this.#flush();
  }

  takeSoon(rows: readonly AtomRow[]): void {
    this.#keep(rows);
    this.#flushSoon(DEBOUNCE_MS);
  }

  /** Schedules a comparison. Call this after a deletion, which rows alone do not describe. */
  catchUpSoon(delayMs = DEBOUNCE_MS): void {
    this.#isBehind = true;
    this.#flushSoon(delayMs);
  }

  #keep(rows: readonly AtomRow[]): void {
    for (const row of rows) this.#rows.set(`${row.id} ${row.sessionId}`, row);
  }

  #flushSoon(delayMs: number): void {
    if (!this.#stop.signal.aborted) this.#soon ??= setTimeout(() => void this.#flush(), delayMs).unref();
  }

  /** Stores the waiting rows, one flush at a time. A failure is reported, and the next comparison repairs it. */
  #flush(): Promise<void> {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    this.#work = this.#work.then(() => this.#bring()).catch((error: unknown) => this.#report(error));
    return this.#work;
  }

  async #bring(): Promise<void> {
    const { replica } = await this.#init.journal.storage();
    const onRefused = ({ error }: RefusedAtom): void => this.#init.onError(error);
    if (this.#rows.size > 0) {
      const rows = [...this.#rows.values()].sort(compareRows);
      this.#rows.clear();
      await mergeAround((facts) => replica.merge(facts), { rows, tombstones: [] }, onRefused);
    }
    if (!this.#isBehind || this.#stop.signal.aborted) return;
    const source = this.#init.source();
    if (source === undefined) return;
    this.#isBehind = false;
    const { signal } = this.#stop;
    await reconcile(source, replica, { isBothWays: false, signal, onRefused: (_, refused) => onRefused(refused) });
    this.#caughtUpAt = new Date(this.#init.nowMs());
  }

  #report(error: unknown): void {
    // Mark the replica as behind; the next comparison with a provider fills the gap.
    this.#isBehind = true;
    if (!this.#stop.signal.aborted) this.#init.onError(error);
  }
}
