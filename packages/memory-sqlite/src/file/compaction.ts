/**
 * Removes the bytes of what was erased from the database file and its log.
 *
 * `secure_delete` overwrites a deleted row with zeros, and a checkpoint empties the log. Neither reaches the copies
 * that SQLite leaves when it rearranges the rows of a page: they stay in the page's free room, in which nothing records
 * them. So the whole file is rewritten (`VACUUM`) after each erasure. The table `rivet_store` counts the transactions
 * that erased and those of them that are ended, so that a process that dies in between leaves the rest to the next one
 * that opens the file.
 */
import type { ErasureResidue } from "@rivet/memory-core";
import { retryWhileBusy, waitUntil } from "./busy.ts";
import type { Connection } from "./database.ts";
import { emptyLog } from "./log.ts";
import type { Statements } from "../statements.ts";

/** The time to wait for readers. Most finish sooner, and a call does not wait for a reader that stays. */
const READER_PATIENCE_MS = 250;

interface CompactionInit {
  readonly connection: Connection;
  readonly statements: Statements;
  /** The largest file that a call which erases may rewrite. */
  readonly maxCompactionBytes: number;
  readonly busyTimeoutMs: number;
  /** The name of the store in what is left. */
  readonly store: string;
  /** The message of an error, in a sentence. */
  readonly describe: (error: unknown) => string;
}

export class Compaction {
  readonly #init: CompactionInit;
  #running: Promise<unknown> = Promise.resolve();
  #next: Promise<readonly ErasureResidue[]> | undefined;

  constructor(init: CompactionInit) {
    this.#init = init;
  }

  /**
   * Ends what erasures have left, if the file is not too large. Calls that arrive together, or during one, share the
   * next.
   */
  finish(): Promise<readonly ErasureResidue[]> {
    this.#next ??= this.#begin();
    return this.#next;
  }

  /** The same for a file of any size, and at once. */
  async finishAll(): Promise<readonly ErasureResidue[]> {
    return this.#isNeeded() ? this.#attempt(Number.POSITIVE_INFINITY) : [];
  }

  /** Rewrites a file of any size, whether or not an erasure asks for it. */
  rewrite(): Promise<readonly ErasureResidue[]> {
    return this.#attempt(Number.POSITIVE_INFINITY);
  }

  async #begin(): Promise<readonly ErasureResidue[]> {
    await this.#running;
    // The erasures of one transaction return one after the other.
    await new Promise(setImmediate);
    this.#next = undefined;
    const attempt = this.#isNeeded() ? this.#attempt(this.#init.maxCompactionBytes) : Promise.resolve([]);
    this.#running = attempt;
    return attempt;
  }

  #isNeeded(): boolean {
    const { erased, ended } = this.#init.statements.selectErasures();
    return erased > ended;
  }

  /** Does not throw: what was erased is erased, whatever happens here. */
  async #attempt(maxBytes: number): Promise<readonly ErasureResidue[]> {
    const { connection, statements, store, busyTimeoutMs } = this.#init;
    try {
      // A reader keeps the log: a rewritten file would only make it longer.
      if (!(await this.#emptyLog())) return [readBy(store)];
      const bytes = fileBytes(connection);
      if (bytes > maxBytes) return [tooLarge(store, bytes, maxBytes)];
      const ended = await retryWhileBusy(() => {
        const { erased } = statements.selectErasures();
        connection.exec("VACUUM");
        return erased;
      }, busyTimeoutMs);
      if (!(await this.#emptyLog())) return [readBy(store)];
      await retryWhileBusy(() => statements.endErasures(ended), busyTimeoutMs);
      return [];
    } catch (error) {
      return [failed(store, this.#init.describe(error))];
    }
  }

  /** @returns whether nobody else needs the log, so that it is empty now. */
  #emptyLog(): Promise<boolean> {
    return waitUntil(() => emptyLog(this.#init.connection), READER_PATIENCE_MS);
  }
}

function fileBytes(connection: Connection): number {
  return Number(connection.pragma("page_count", { simple: true })) * pageBytes(connection);
}

function pageBytes(connection: Connection): number {
  return Number(connection.pragma("page_size", { simple: true }));
}

const AT_THE_LATEST = "closing the storage, opening it again, or rivet-memory compact";

function readBy(store: string): ErasureResidue {
  return {
    store,
    place: "log",
    reason: "reader",
    until: `Another process reads the file as it was before. Once it has ended, the next call that erases ends this, or ${AT_THE_LATEST}.`,
  };
}

function tooLarge(store: string, bytes: number, maxBytes: number): ErasureResidue {
  return {
    store,
    place: "file",
    reason: "size",
    until: `The file has ${bytes} bytes, and a call rewrites no file over ${maxBytes} (maxCompactionBytes). This ends with ${AT_THE_LATEST}.`,
  };
}

function failed(store: string, message: string): ErasureResidue {
  return {
    store,
    place: "file",
    reason: "failed",
    until: `The file could not be rewritten: ${message}. Once that is mended, the next call that erases ends this, or ${AT_THE_LATEST}.`,
  };
}
