/** A value that pages are sent at once, and again whenever it has changed. */
export interface LiveSource {
  /** Sources with the same key read the same value: they are read once for all pages. */
  readonly key: string;
  /** The name of the server-sent event. */
  readonly event: string;
  read(): unknown;
  /** The time between two readings, in milliseconds, at least. */
  readonly intervalMs: number;
}
