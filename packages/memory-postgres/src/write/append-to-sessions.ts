import { lastIdWithinLead, SESSION_METADATA, type AtomRow } from "@rivet/memory-core";
import type { Query } from "../statements/named-statements.ts";
import { appendToSessionsValues, isExpirySet } from "../statements/rows.ts";
import type { Statements } from "../statements/index.ts";

/** The result of a write, without the receipt. */
export interface Written {
  readonly written: number;
  /** The version of the saved session's history, if a session was saved. */
  readonly historyXor?: string | undefined;
  /** The name of the provider that has the write. */
  readonly provider: string;
}

/**
 * Returns the statement for rows that are all new.
 *
 * @param deletionCountOf returns the known deletion count of a session.
 * @param savedAtMs as in `appendAtOnce`.
 */
export function appendToSessions(
  statements: Statements,
  rows: readonly AtomRow[],
  deletionCountOf: (sessionId: string) => number,
  savedAtMs?: number,
): Query {
  const isMetadataSet = setsMetadata(rows);
  const given = isMetadataSet && savedAtMs !== undefined ? [lastIdWithinLead(savedAtMs)] : [];
  const form = { isMetadataSet, isOverruleRefused: given.length > 0, isExpirySet: isExpirySet(rows) };
  return {
    statement: statements.append.toSessions(form),
    values: [...appendToSessionsValues(rows, deletionCountOf, isMetadataSet), ...given],
  };
}

export function setsMetadata(rows: readonly AtomRow[]): boolean {
  return rows.some(({ memoryType }) => memoryType === SESSION_METADATA);
}
