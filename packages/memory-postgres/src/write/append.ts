/** A write as one statement, where nothing stands in its way; `careful-append.ts` is for where something may. */
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

/** A turn has a few; each number of them is a statement of its own. */
const MAX_LISTED_ROWS = 8;

/** Appends one write: in one statement, or, when that is refused or cannot be, in a transaction that looks closer. */
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
 * In one statement; undefined when there is none that does it.
 *
 * @param savedAtMs of a save: a change of metadata that an id ahead of this time overrules is refused. Undefined for what
 *   another store has accepted.
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
 * Appends writes that {@link isShareable}, of different sessions, in one statement.
 *
 * @throws when any of them is refused; none is applied then.
 */
export async function appendTogether(
  store: Store,
  writes: readonly AtomWrite[],
  savedAtMs: number | undefined,
): Promise<Written[]> {
  // Whoever writes the same rows meets them in the same order, however they are grouped.
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

/** Whether the statement that lists its rows is for these. */
function isListable({ rows, head, deletionCount }: SessionAppend): boolean {
  if (deletionCount > 0 || rows.length > MAX_LISTED_ROWS || isExpirySet(rows)) return false;
  const isOneXor = head.historyXor === head.idXor || head.historyXor === NIL_ID;
  return isOneXor && rows.at(-1)?.id === head.lastAtomId;
}
