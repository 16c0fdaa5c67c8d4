/** The write-ahead log of the file: how long it grows, and how it is emptied. */
import { statSync } from "node:fs";
import type { Connection } from "./database.ts";

/**
 * Pages in the log, 16 MB, at which it is written back into the file. The pages that most commits write, the ends of
 * indexes, are then written back once and not four times: 64 sessions that save at once make a tenth more turns a
 * second than with SQLite's own 1,000.
 */
export const LOG_PAGES = 4_000;

/** A log that is longer, in bytes, has grown beside a reader: it is cut to this length when it can be begun anew. */
export const MAX_LOG_BYTES = 32 * 1024 * 1024;

const INTERVAL_MS = 1_000;

/**
 * Writes the log back into the file and empties it. @returns whether it is empty now: not while others read from it.
 */
export function emptyLog(connection: Connection): boolean {
  return connection.pragma("wal_checkpoint(TRUNCATE)", { simple: true }) === 0;
}

/** Empties a log that has grown long beside a reader once the reader has gone, also when nobody writes any more. */
export class LogBound {
  readonly #connection: Connection;
  readonly #logPath: string;
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Connection, logPath: string) {
    this.#connection = connection;
    this.#logPath = logPath;
  }

  /** To be called with each commit: the log is looked at once a second while there are commits. */
  observe(): void {
    this.#timer ??= setTimeout(() => this.#look(), INTERVAL_MS).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    this.#timer = undefined;
    try {
      const bytes = statSync(this.#logPath, { throwIfNoEntry: false })?.size ?? 0;
      if (bytes > MAX_LOG_BYTES && !emptyLog(this.#connection)) this.observe();
    } catch {
      // The next commit meets the same trouble and reports it; here nobody waits for an answer.
    }
  }
}
