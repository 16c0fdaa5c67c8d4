/** The rows of the providers and journals, read by SQL of this file, without the code under test. */
import { existsSync } from "node:fs";
import Database from "better-sqlite3";
import { z } from "zod";
import { NAMES, type Cluster, type Name } from "../cluster.ts";
import type { StoredAtom } from "./inspection.ts";

/** The rows that all stores must share, by table. `key` identifies a row. */
const TABLES: Readonly<Record<string, string>> = {
  atoms: `SELECT session_id || ' ' || id AS key, user_id, memory_type, content, metadata, created_at
    FROM session_memories`,
  tombstones: "SELECT session_id || ' ' || id || ' of ' || encode(owner, 'hex') AS key FROM session_tombstones",
  heads: `SELECT session_id AS key, user_id, created_at, last_atom_id, message_count, atom_count, id_xor, history_xor,
    metadata FROM session_heads WHERE atom_count > 0`,
};
const DIGEST = "hashtextextended(row::text, 0)";
/** Rows of a table that are shown one by one. */
const SHOWN_ROWS = 5;

/** Sessions whose head is not what their atoms say. */
const WRONG_HEADS = `
WITH folded AS (
  SELECT session_id, count(*) AS atom_count, count(*) FILTER (WHERE starts_with(memory_type, 'message_')) AS message_count,
    bit_xor(('x' || replace(id::text, '-', ''))::bit(128)) AS id_xor
  FROM session_memories GROUP BY session_id
), head AS (
  SELECT session_id, atom_count, message_count, id_xor FROM session_heads WHERE atom_count <> 0
)
SELECT session_id,
  concat_ws(' ', head.atom_count, head.message_count, head.id_xor) AS head,
  concat_ws(' ', folded.atom_count, folded.message_count, folded.id_xor) AS atoms
FROM folded FULL JOIN head USING (session_id)
WHERE (folded.atom_count, folded.message_count, folded.id_xor)
  IS DISTINCT FROM (head.atom_count, head.message_count, head.id_xor)`;

/** Heads of deleted sessions that still name a user, or count atoms. Each session of a run has one user. */
const UNERASED_HEADS = `
SELECT session_id, user_id, atom_count FROM session_heads JOIN session_tombstones USING (session_id)
WHERE id = $1 AND (user_id <> '' OR atom_count > 0)`;

const ATOMS = `
SELECT session_id, id, substring(content::text from '<(w[0-9.]+)>') AS token FROM session_memories
WHERE (session_id, id) > ($1, $2) ORDER BY session_id, id LIMIT $3`;
/** As the id of a tombstone it stands for the whole session. */
const NIL_ID = "00000000-0000-0000-0000-000000000000";
const PAGE_ROWS = 50_000;

/** The differences between the stores, one sentence each. */
export async function differences(cluster: Cluster): Promise<string[]> {
  const problems: string[] = [];
  for (const [table, rows] of Object.entries(TABLES)) {
    const text = `SELECT count(*)::int AS count, COALESCE(sum(${DIGEST}), 0)::text AS digest FROM (${rows}) AS row`;
    const found = await Promise.all(NAMES.map(async (name) => (await cluster.rows(name, text))[0] ?? {}));
    if (new Set(found.map(({ digest }) => digest)).size === 1) continue;
    const counts = NAMES.map((name, index) => `${found[index]?.["count"]} in ${name}`);
    problems.push(`${table} differ: ${counts.join(", ")}`, ...(await differingRows(cluster, rows)));
  }
  return problems;
}

async function differingRows(cluster: Cluster, rows: string): Promise<string[]> {
  /** By key: the digest in each store that has the row. */
  const digests = new Map<string, Map<Name, unknown>>();
  for (const name of NAMES) {
    for (const { key, digest } of await cluster.rows(name, `SELECT key, ${DIGEST} AS digest FROM (${rows}) AS row`)) {
      const places = digests.get(String(key)) ?? new Map<Name, unknown>();
      digests.set(String(key), places.set(name, digest));
    }
  }
  const differing = [...digests].filter(([, places]) => {
    return places.size < NAMES.length || new Set(places.values()).size > 1;
  });
  const problems = differing.slice(0, SHOWN_ROWS).map(async ([key, places]) => {
    if (places.size < NAMES.length) return [`${key} is in ${[...places.keys()].join(" and ")} alone`];
    return differingColumns(cluster, `SELECT to_jsonb(row) AS row FROM (${rows}) AS row WHERE key = $1`, key);
  });
  return (await Promise.all(problems)).flat();
}

async function differingColumns(cluster: Cluster, text: string, key: string): Promise<string[]> {
  const found = NAMES.map(async (name) => {
    const row = (await cluster.rows(name, text, [key]))[0]?.["row"];
    return { name, row: new Map(Object.entries(typeof row === "object" && row !== null ? row : {})) };
  });
  const stored = await Promise.all(found);
  const valuesOf = (column: string): string[] => stored.map(({ row }) => JSON.stringify(row.get(column)));
  const columns = [...(stored[0]?.row.keys() ?? [])].filter((column) => new Set(valuesOf(column)).size > 1);
  return columns.map((column) => {
    const values = valuesOf(column).map((value, index) => `${value} in ${stored[index]?.name}`);
    return `${column} of ${key} is ${values.join(", ")}`;
  });
}

/** Rows that still have to be brought somewhere, with a sentence that says where. */
export interface Backlog {
  readonly rows: number;
  readonly text: string;
}

/** The atoms that providers still have to deliver to one another. */
export async function hinted(cluster: Cluster): Promise<Backlog[]> {
  const hints = await Promise.all(
    NAMES.map(async (name) => {
      const text = "SELECT target, count(*)::int AS count FROM replication_hints GROUP BY target ORDER BY target";
      const rows = await cluster.rows(name, text);
      return rows.map(({ target, count }) => ({
        rows: Number(count),
        text: `${name} holds ${count} hints for ${target}`,
      }));
    }),
  );
  return hints.flat();
}

/** The number of stores that are marked for repair, which delivers atoms without a hint. */
export async function repairMarks(cluster: Cluster): Promise<number> {
  const text = "SELECT count(*)::int AS count FROM replication_peers WHERE needs_repair";
  const counts = await Promise.all(NAMES.map(async (name) => Number((await cluster.rows(name, text))[0]?.["count"])));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The target is * or a JSON array of names. */
const journalCounts = z.array(z.object({ target: z.string(), rows: z.number() }));

/** The atoms that a journal still has to deliver. */
export function journaled(path: string): Backlog[] {
  // A writer that never lost all providers has made none.
  if (!existsSync(path)) return [];
  const file = new Database(path, { readonly: true });
  try {
    const counts = file.prepare("SELECT target, count(*) AS rows FROM session_journal GROUP BY target").all();
    return journalCounts.parse(counts).map(({ target, rows }) => {
      return { rows, text: `${path.split("/").at(-1)} holds ${rows} rows for ${target}` };
    });
  } finally {
    file.close();
  }
}

/** Heads that contradict the atoms or tombstones of their store, a sentence each. */
export async function wrongHeads(cluster: Cluster): Promise<string[]> {
  const found = NAMES.map(async (name) => {
    const [wrong, unerased] = [
      await cluster.rows(name, WRONG_HEADS),
      await cluster.rows(name, UNERASED_HEADS, [NIL_ID]),
    ];
    return [
      ...wrong.map((row) => `${row["session_id"]} in ${name}: ${row["head"]} instead of ${row["atoms"]}`),
      ...unerased.map((row) => `${row["session_id"]} was deleted, and its head in ${name} is ${JSON.stringify(row)}`),
    ];
  });
  return (await Promise.all(found)).flat();
}

export async function* storedAtoms(cluster: Cluster, name: Name): AsyncGenerator<StoredAtom> {
  let last: StoredAtom | undefined;
  for (;;) {
    const rows = await cluster.rows(name, ATOMS, [last?.sessionId ?? "", last?.id ?? NIL_ID, PAGE_ROWS]);
    for (const { session_id, id, token } of rows) {
      last = { sessionId: String(session_id), id: String(id), token: typeof token === "string" ? token : undefined };
      yield last;
    }
    if (rows.length < PAGE_ROWS) return;
  }
}
