import type { DatabaseManager, Queryable, RoutingOptions } from "@rivet/db-manager";
import type { KnownDeletions } from "./known-deletions.ts";
import type { Statements } from "./statements/index.ts";

/** What the steps of a write need. */
export interface Store {
  readonly db: DatabaseManager;
  readonly statements: Statements;
  readonly deletions: KnownDeletions;
  readonly isOneSessionPerStatement: boolean;
  /** The wall clock, in milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Where writes go. */
  readonly route: RoutingOptions;
}

/** For a transaction of any number of statements, each of which has a deadline of its own. */
const TRANSACTION_DEADLINE_MS = 10 * 60_000;

/** Runs the work between BEGIN and COMMIT. It may run more than once: every write here is idempotent. */
export function inTransaction<Result>(
  { db, route }: Store,
  work: (client: Queryable) => Promise<Result>,
): Promise<Result> {
  // Without a hedge: what takes its time with one provider is not to be decided by another that lacks the rows.
  const options = { ...route, hedge: false, idempotent: true, deadlineMs: TRANSACTION_DEADLINE_MS };
  return db.transaction(work, options);
}
