import { lastIdWithinLead, SESSION_METADATA, type AtomRow } from "@rivet/memory-core";
import type { Query } from "../statements/named-statements.ts";
import { appendToSessionsValues, isExpirySet } from "../statements/rows.ts";
import type { Statements } from "../statements/index.ts";

/** What a write did, without the receipt. */
export interface Written {
  readonly written: number;
  /** The version of the history of the session that was saved, if one was. */
  readonly historyXor?: string | undefined;
  /** The name of the provider that has it. */
  readonly provider: string;
}

/**
 * The statement for rows of which none is there yet.
 *
 * @param deletionCountOf how many deletions a session has seen.
 * @param savedAtMs as that of `appendAtOnce`.
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
