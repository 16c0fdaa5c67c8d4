/**
 * The part of a connection that the migration runner uses. `DatabaseManager` of `@rivet/db-manager` has it, and a
 * client of `pg` needs a small adapter.
 */

export interface Queryable {
  query(text: string, values?: readonly unknown[]): Promise<{ readonly rows: readonly Record<string, unknown>[] }>;
}

export interface SchemaDatabase extends Queryable {
  /** Runs the work between BEGIN and COMMIT on one connection; undoes all of it when it throws. */
  transaction<Result>(work: (client: Queryable) => Promise<Result>): Promise<Result>;
}
