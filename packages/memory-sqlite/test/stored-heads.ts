import { headAfterInsert, type AtomRow, type SessionHead } from "@rivet/memory-core";
import Database from "better-sqlite3";

/** The heads in a file, and what they should be, folded anew from its atoms: both by session id. */
export function readHeads(path: string): { stored: SessionHead[]; expected: SessionHead[]; atomIds: string[] } {
  const database = new Database(path, { readonly: true });
  try {
    const rows = database
      .prepare<[], AtomRow>(
        `SELECT session_id AS sessionId, id, user_id AS userId, memory_type AS memoryType, content, metadata,
           created_at AS createdAtMs FROM session_memories ORDER BY session_id, id`,
      )
      .all();
    const stored = database
      .prepare<[], SessionHead>(
        `SELECT session_id AS sessionId, user_id AS userId, created_at AS createdAtMs, last_atom_id AS lastAtomId,
           message_count AS messageCount, atom_count AS atomCount, id_xor AS idXor, history_xor AS historyXor,
           metadata, metadata_ids AS metadataIds FROM session_heads WHERE atom_count > 0 ORDER BY session_id`,
      )
      .all();
    const heads = new Map<string, SessionHead>();
    for (const row of rows) heads.set(row.sessionId, headAfterInsert(heads.get(row.sessionId), [row]));
    return { stored, expected: [...heads.values()], atomIds: rows.map((row) => row.id) };
  } finally {
    database.close();
  }
}
