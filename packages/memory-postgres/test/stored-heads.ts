import { headAfterInsert, type AtomRow, type SessionHead } from "@rivet/memory-core";
import pg from "pg";
import type { Query } from "../src/statements/named-statements.ts";
import { Statements } from "../src/statements/index.ts";
import { toAtomRow, toSessionHead, type TextRow } from "../src/statements/rows.ts";
import { TablePlaces } from "../src/providers/table-places.ts";

const AS_TEXT = { getTypeParser: () => (value: unknown) => value };

/** The heads in a database, and what they should be, folded anew from its atoms: both by session id. */
export async function readHeads(
  url: string,
  schema = "public",
): Promise<{ stored: SessionHead[]; expected: SessionHead[]; atomIds: string[] }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    // As of one moment: a writer that was just killed may have a statement under way.
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const statements = new Statements(new TablePlaces(schema));
    const select = async ({ statement, values }: Query): Promise<TextRow[]> =>
      (await client.query({ text: statement.text, values: [...values], types: AS_TEXT })).rows;
    const limit = 1_000_000;
    const heads = (await select(statements.read.selectHeads({ order: "session-id", limit }))).map(toSessionHead);
    const rows = (await select(statements.read.selectAtoms({ order: "oldest-first", limit }))).map(toAtomRow);
    const folded = new Map<string, SessionHead>();
    for (const row of rows) folded.set(row.sessionId, headAfterInsert(folded.get(row.sessionId), [row]));
    const expected = [...folded.values()].sort((left, right) => (left.sessionId < right.sessionId ? -1 : 1));
    return { stored: heads.map(plain), expected: expected.map(plain), atomIds: rows.map((row: AtomRow) => row.id) };
  } finally {
    await client.end();
  }
}

/** PostgreSQL has its own spacing and order of keys. */
function plain(head: SessionHead): SessionHead {
  const text = (json: string): string => JSON.stringify(Object.entries(JSON.parse(json)).sort());
  return { ...head, metadata: text(head.metadata), metadataIds: text(head.metadataIds) };
}
