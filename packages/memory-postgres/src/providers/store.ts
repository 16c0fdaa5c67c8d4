import type { DatabaseManager, Queryable, RoutingOptions, TransactionOptions } from "@rivet/db-manager";
import type { KnownDeletions } from "../write/known-deletions.ts";
import type { Statements } from "../statements/index.ts";

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

/**
 * How the statements of this package run. Each decides by the latest version of the rows that it locks, which is what the
 * level `read committed` gives; at a higher one the second of two writers would fail in place of waiting.
 */
export const OWN_STATEMENT = { idempotent: true, asText: true, isolation: "read committed" } as const;

/** For a transaction of any number of statements, each of which has a deadline of its own. */
const TRANSACTION_DEADLINE_MS = 10 * 60_000;

/** Runs the work between BEGIN and COMMIT. It may run more than once: every write here is idempotent. */
export function inTransaction<Result>(
  { db, route }: Store,
  work: (client: Queryable) => Promise<Result>,
): Promise<Result> {
  // Without a hedge: what takes its time with one provider is not to be decided by another that lacks the rows.
  const options: TransactionOptions = {
    ...route,
    hedge: false,
    idempotent: true,
    isolation: "read committed",
    deadlineMs: TRANSACTION_DEADLINE_MS,
  };
  return db.transaction(work, options);
}
