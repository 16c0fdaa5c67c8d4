/**
 * Appends a write with one statement, if no conflict is possible; otherwise `careful-append.ts` appends it in a
 * transaction.
 */
import {
  bySession,
  compareRows,
  fitsRoom,
  headAfterInsert,
  isPlainAppend,
  lastIdWithinLead,
  NIL_ID,
  type AtomRow,
  type AtomWrite,
  type SessionWrite,
} from "@rivet/memory-core";
import { appendToSessions, setsMetadata, type Written } from "./append-to-sessions.ts";
import { appendCarefully } from "./careful-append.ts";
import { isRefusedByStatement } from "../errors.ts";
import { STATEMENT_LIMITS } from "./limits.ts";
import {
  appendManyToSessionValues,
  appendToSessionValues,
  idOfBits,
  isExpirySet,
  text,
  type SessionAppend,
  type TextRow,
} from "../statements/rows.ts";
import { OWN_STATEMENT, type Store } from "../providers/store.ts";

/**
 * The most rows that a statement lists one by one. A turn has only a few rows; each number of rows is a separate
 * statement.
 */
const MAX_LISTED_ROWS = 8;

/** Appends one write: with one statement, or, if that is impossible or refused, in a transaction that finds out why. */
export async function append(store: Store, write: AtomWrite): Promise<Written> {
  try {
    const written = await appendAtOnce(store, write, store.nowMs());
    if (written !== undefined) return written;
  } catch (error) {
    if (!isRefusedByStatement(error)) throw error;
  }
  return appendCarefully(store, write);
}

/**
 * Appends a write with one statement; undefined if no single statement can.
 *
 * @param savedAtMs the time of the save. A metadata change that an id ahead of this time overrules is refused.
 *   Undefined for a write that another store has already accepted.
 */
export function appendAtOnce(
  store: Store,
  write: AtomWrite,
  savedAtMs: number | undefined,
): Promise<Written | undefined> | undefined {
  const [first, ...others] = bySession(write.rows);
  if (first === undefined || write.session?.clearThroughId !== undefined || !fitsRoom(write.rows, STATEMENT_LIMITS))
    return undefined;
  if (others.length === 0) return appendToSession(store, first, write.session, savedAtMs);
  if (!isShareable(store, write)) return undefined;
  return appendTogether(store, [write], savedAtMs).then(([written]) => written);
}

/** Whether a write may share a statement with others. */
export function isShareable({ deletions, isOneSessionPerStatement }: Store, write: AtomWrite): boolean {
  if (isOneSessionPerStatement || !isPlainAppend(write, STATEMENT_LIMITS)) return false;
  return write.rows.every(({ sessionId }) => deletions.countOf(sessionId) === 0);
}

/**
 * Appends writes of different sessions that are {@link isShareable}, with one statement.
 *
 * @throws if any write is refused; then none is applied.
 */
export async function appendTogether(
  store: Store,
  writes: readonly AtomWrite[],
  savedAtMs: number | undefined,
): Promise<Written[]> {
  // All writers lock the same rows in the same order, however writes are grouped, so they cannot deadlock.
  const rows = writes.flatMap((write) => write.rows).sort(compareRows);
  const { statement, values } = appendToSessions(store.statements, rows, () => 0, savedAtMs);
  const options = { ...store.route, ...OWN_STATEMENT };
  const { rows: answer, provider } = await store.db.query<TextRow>(statement, values, options);
  const versions = new Map(answer.map((row) => [text(row, "sessionId"), idOfBits(text(row, "historyXor"))]));
  return writes.map(({ rows: { length: written }, session }) => ({
    written,
    provider,
    historyXor: session === undefined ? undefined : versions.get(session.sessionId),
  }));
}

async function appendToSession(
  { db, statements, deletions, route }: Store,
  rows: readonly [AtomRow, ...AtomRow[]],
  session: SessionWrite | undefined,
  savedAtMs: number | undefined,
): Promise<Written> {
  const head = headAfterInsert(undefined, rows);
  const deletionCount = deletions.countOf(head.sessionId);
  const expectedHistoryXor = session?.expectedHistoryXor;
  const isMetadataSet = setsMetadata(rows);
  const append = { rows, head, deletionCount, expectedHistoryXor, isMetadataSet };
  const given = isMetadataSet && savedAtMs !== undefined ? [lastIdWithinLead(savedAtMs)] : [];
  const isOverruleRefused = given.length > 0;
  const form = { isMetadataSet, isVersionExpected: expectedHistoryXor !== undefined, isOverruleRefused };
  const isListed = isListable(append);
  const statement = isListed
    ? statements.append.toSession({ ...form, count: rows.length, isHistory: head.historyXor === head.idXor })
    : statements.append.manyToSession({ ...form, isExpirySet: isExpirySet(rows) });
  const values = [...(isListed ? appendToSessionValues(append) : appendManyToSessionValues(append)), ...given];
  const options = { ...route, ...OWN_STATEMENT };
  const { rows: answer, provider } = await db.query<TextRow>(statement, values, options);
  return { written: rows.length, provider, historyXor: answer[0] && idOfBits(text(answer[0], "historyXor")) };
}

/** Whether the statement that lists its rows can append these. */
function isListable({ rows, head, deletionCount }: SessionAppend): boolean {
  if (deletionCount > 0 || rows.length > MAX_LISTED_ROWS || isExpirySet(rows)) return false;
  const isOneXor = head.historyXor === head.idXor || head.historyXor === NIL_ID;
  return isOneXor && rows.at(-1)?.id === head.lastAtomId;
}
