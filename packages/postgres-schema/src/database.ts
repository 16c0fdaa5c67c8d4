/**
 * The interface of a connection that migrations need. `DatabaseManager` implements it; a client of `pg` nearly does.
 */

export interface Queryable {
  query(text: string, values?: readonly unknown[]): Promise<{ readonly rows: readonly Record<string, unknown>[] }>;
}

export interface SchemaDatabase extends Queryable {
  /** Runs the work between BEGIN and COMMIT on one connection; undoes all of it when it throws. */
  transaction<Result>(work: (client: Queryable) => Promise<Result>): Promise<Result>;
}
