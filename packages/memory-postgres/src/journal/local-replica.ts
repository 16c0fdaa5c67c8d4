/** All that the providers hold, in the local journal's file, for reads while none of them answers. */
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
  /** A provider that can be read from now, if there is one. */
  readonly source: () => Replica | undefined;
  /** How often to look for what others have written. */
  readonly intervalMs: number;
  readonly nowMs: () => number;
  readonly onError: (error: unknown) => void;
}

/** What is written in a burst is taken in one go. */
const DEBOUNCE_MS = 100;

/**
 * Takes what this process writes right after it was acknowledged, and what others wrote by comparing itself with a provider
 * now and then. Nothing is ever removed from it but what a tombstone names.
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

  /** When it was last found equal to a provider; undefined when it was not yet. */
  get caughtUpAt(): Date | undefined {
    return this.#caughtUpAt;
  }

  /** To be called when the providers are ready, as far as they are. */
  open(): void {
    this.#interval = setInterval(() => this.catchUpSoon(0), this.#init.intervalMs).unref();
    this.catchUpSoon(0);
  }

  /** Takes the rows that are waiting, and ends: a comparison goes on the next time. */
  async close(): Promise<void> {
    this.#stop.abort();
    clearInterval(this.#interval);
    await this.#flush();
  }

  async reader(): Promise<RowReader> {
    return (await this.#init.journal.storage()).reader;
  }

  /** Takes rows that are acknowledged, and is done when it has them. */
  async take(rows: readonly AtomRow[]): Promise<void> {
    this.#keep(rows);
    await this.#flush();
  }

  takeSoon(rows: readonly AtomRow[]): void {
    this.#keep(rows);
    this.#flushSoon(DEBOUNCE_MS);
  }

  /** To be called after what it cannot follow by rows alone: a deletion. */
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

  /** One after the other; a failure is reported, and made good by the next comparison. */
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
    // Compared with a provider, it is told what it lacks.
    this.#isBehind = true;
    if (!this.#stop.signal.aborted) this.#init.onError(error);
  }
}
