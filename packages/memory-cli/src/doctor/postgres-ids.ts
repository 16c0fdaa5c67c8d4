/** Counts, in the tables of one provider, the atoms whose ids are ahead of the clock. */
import type { ProviderHandle } from "@rivet/db-manager";
import { lastIdWithinLead } from "@rivet/memory-core";
import { recencyOf, tableNames } from "@rivet/postgres-schema";
import type { Finding } from "./finding.ts";
import { idsFinding, SQL_LIMITS } from "./ids-ahead.ts";

/** @param schema where the tables are. */
export async function examineIds(
  handle: ProviderHandle,
  name: string,
  schema: string,
  nowMs: number,
): Promise<Finding> {
  const { heads, memories } = tableNames(schema);
  const { rows } = await handle.query<{ sessionId: string; lastAtomId: string; atoms: number }>(
    `
SELECT session_id AS "sessionId", last_atom_id AS "lastAtomId", (
  SELECT pg_catalog.count(*)::pg_catalog.int4 FROM (
    SELECT FROM ${memories} AS atom WHERE atom.session_id = head.session_id AND atom.id > $1::pg_catalog.uuid
    LIMIT $3::pg_catalog.int8) AS page) AS atoms
FROM (
  SELECT session_id, recency, last_atom_id FROM ${heads}
  WHERE atom_count > 0 AND recency >= ${recencyOf("$1::pg_catalog.uuid")} AND last_atom_id > $1::pg_catalog.uuid
  ORDER BY recency DESC, last_atom_id DESC LIMIT $2::pg_catalog.int8) AS head
ORDER BY recency DESC, last_atom_id DESC`,
    [lastIdWithinLead(nowMs), SQL_LIMITS.sessions, SQL_LIMITS.atomsOfSession],
  );
  return idsFinding(
    name,
    rows.map((row) => ({ ...row, atoms: Number(row.atoms) })),
    SQL_LIMITS,
  );
}
