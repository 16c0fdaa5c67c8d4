import { bySession, MemoryError, type AtomJournal, type AtomKey, type AtomRow } from "@rivet/memory-core";

export interface DrainInit {
  readonly journal: AtomJournal;
  /** The names of the providers that are to have everything. */
  readonly providers: readonly string[];
  /** Appends rows to one provider, all or nothing and idempotently. */
  readonly send: (provider: string, rows: readonly AtomRow[]) => Promise<unknown>;
  /** Told of rows that a provider refuses for good. They stay in the journal. */
  readonly onRefused: (provider: string, row: AtomRow, error: MemoryError) => void;
}

const PAGE_ROWS = 500;

/** Codes with which a store refuses rows whenever they come. */
const REFUSALS: ReadonlySet<string> = new Set(["conflict", "permission", "invalid_input"]);

/**
 * Brings one provider what the journal holds for it, page by page; only what it has acknowledged is settled. Any number of
 * processes may do so at once.
 *
 * @throws what the provider or the journal throws; what was settled before stays so.
 */
export async function drain({ journal, providers, send, onRefused }: DrainInit, provider: string): Promise<void> {
  const others = providers.filter((name) => name !== provider);
  let after: AtomKey | undefined;
  for (;;) {
    const rows = await journal.pending(provider, after, PAGE_ROWS);
    if (rows.length === 0) return;
    const refused = await sendPage(rows, (part) => send(provider, part));
    for (const { row, error } of refused) onRefused(provider, row, error);
    const isRefused = new Set(refused.map(({ row }) => row));
    await journal.settle(
      provider,
      others,
      rows.filter((row) => !isRefused.has(row)),
    );
    after = rows.at(-1);
  }
}

interface Refused {
  readonly row: AtomRow;
  readonly error: MemoryError;
}

/** All rows at once; where the provider refuses them, session by session, and then row by row. */
async function sendPage(
  rows: readonly AtomRow[],
  send: (rows: readonly AtomRow[]) => Promise<unknown>,
): Promise<Refused[]> {
  try {
    await send(rows);
    return [];
  } catch (error) {
    if (!MemoryError.isInstance(error)) throw error;
    const parts = partsOf(rows);
    // A deletion wins over atoms that arrive late: they are not wanted any more.
    if (error.code === "not_found" && parts.length === 1) return [];
    if (error.code !== "not_found" && !REFUSALS.has(error.code)) throw error;
    if (rows.length === 1) return rows.map((row) => ({ row, error }));
    const refused: Refused[] = [];
    for (const part of parts) refused.push(...(await sendPage(part, send)));
    return refused;
  }
}

/** The sessions of rows; the rows, where all are of one. */
function partsOf(rows: readonly AtomRow[]): AtomRow[][] {
  const sessions = bySession(rows);
  return sessions.length > 1 ? sessions : rows.map((row) => [row]);
}
