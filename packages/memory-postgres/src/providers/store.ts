import type { DatabaseManager, Queryable, RoutingOptions, TransactionOptions } from "@rivet/db-manager";
import type { KnownDeletions } from "../write/known-deletions.ts";
import type { Statements } from "../statements/index.ts";

/** The dependencies of a write's steps. */
export interface Store {
  readonly db: DatabaseManager;
  readonly statements: Statements;
  readonly deletions: KnownDeletions;
  readonly isOneSessionPerStatement: boolean;
  /** The wall clock, in milliseconds since 1970. */
  readonly nowMs: () => number;
  /** The route of writes. */
  readonly route: RoutingOptions;
}

/**
 * The options of this package's statements. Each statement decides by the latest version of the rows that it locks,
 * which the level `read committed` provides; at a higher level the second of two writers would fail instead of waiting.
 */
export const OWN_STATEMENT = { idempotent: true, asText: true, isolation: "read committed" } as const;

/** The deadline of a transaction of any number of statements. Each statement has its own deadline. */
const TRANSACTION_DEADLINE_MS = 10 * 60_000;

/** Runs the work between BEGIN and COMMIT. It may run more than once: every write here is idempotent. */
export function inTransaction<Result>(
  { db, route }: Store,
  work: (client: Queryable) => Promise<Result>,
): Promise<Result> {
  // Without a hedge, because a second provider that lacks the rows must not decide for a slow first one.
  const options: TransactionOptions = {
    ...route,
    hedge: false,
    idempotent: true,
    isolation: "read committed",
    deadlineMs: TRANSACTION_DEADLINE_MS,
  };
  return db.transaction(work, options);
}
