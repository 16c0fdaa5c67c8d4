import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { migrate, schemaStatements, type SchemaDatabase } from "../src/index.ts";
import { connect, useServer } from "./database.ts";

const server = useServer();
const NIL = "00000000-0000-0000-0000-000000000000";
const ID = "01990000-0000-7000-8000-000000000001";
const VERSION = 5;

/** The tables as they were before tombstones had owners. */
async function makeTables(database: SchemaDatabase): Promise<void> {
  const all = schemaStatements();
  const later = schemaStatements({ fromVersion: VERSION });
  for (const statement of all.slice(0, all.length - later.length)) await database.query(statement);
  await database.query("INSERT INTO rivet_store VALUES (gen_random_uuid(), $1, now())", [VERSION]);
}

async function addHead(database: SchemaDatabase, sessionId: string, userId: string, atoms: number): Promise<void> {
  await database.query(
    `INSERT INTO session_heads (session_id, user_id, created_at, last_atom_id, recency, message_count, atom_count,
       deletion_count, id_xor, history_xor, metadata, metadata_ids)
     VALUES ($1, $2, now(), $3::uuid, left($3::uuid::text, 8), 0, $4, 1, B'0'::bit(128), B'0'::bit(128), '{}', '{}')`,
    [sessionId, userId, ID, atoms],
  );
}

async function bury(database: SchemaDatabase, sessionId: string, id: string, userId?: string): Promise<void> {
  if (userId === undefined) {
    await database.query("INSERT INTO session_tombstones VALUES ($1, $2, now())", [sessionId, id]);
    return;
  }
  const sql = "INSERT INTO session_tombstones (session_id, id, deleted_at, user_id) VALUES ($1, $2, now(), $3)";
  await database.query(sql, [sessionId, id, userId]);
}

async function ownersIn(database: SchemaDatabase): Promise<Record<string, unknown>> {
  const { rows } = await database.query(
    "SELECT session_id, encode(owner, 'hex') AS owner FROM session_tombstones ORDER BY session_id",
  );
  return Object.fromEntries(rows.map((row) => [row["session_id"], row["owner"]]));
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

describe("tombstones from before there were owners", () => {
  it("get the owner of their session where its head names one, and else concern everybody", async () => {
    const database = await connect(await server().createDatabase());
    await makeTables(database);
    await addHead(database, "there", "ü \ud83d\ude00", 3);
    await bury(database, "there", ID);
    await addHead(database, "deleted", "", 0);
    await bury(database, "deleted", NIL);
    await addHead(database, "emptied", "", 0);
    await bury(database, "emptied", ID);
    await bury(database, "of no head", ID);
    await migrate(database);
    expect(await ownersIn(database)).toEqual({
      deleted: "",
      emptied: "",
      "of no head": "",
      there: sha256("ü \ud83d\ude00"),
    });
    const { rows } = await database.query("SELECT session_id, is_deleted FROM session_heads ORDER BY session_id");
    expect(rows).toEqual([
      { session_id: "deleted", is_deleted: true },
      { session_id: "emptied", is_deleted: false },
      { session_id: "there", is_deleted: false },
    ]);
  });

  it("of a Supabase project get the owner that they name, and the user id goes with its trigger and policies", async () => {
    const database = await connect(await server().createDatabase());
    await makeTables(database);
    for (const sql of [
      `ALTER TABLE session_tombstones ADD COLUMN user_id text COLLATE "C"`,
      "CREATE INDEX session_tombstones_by_user ON session_tombstones (user_id, session_id, id)",
      "CREATE FUNCTION rivet_own_tombstone() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
      `CREATE TRIGGER rivet_own_tombstone BEFORE INSERT ON session_tombstones
        FOR EACH ROW EXECUTE FUNCTION rivet_own_tombstone()`,
      "CREATE POLICY rivet_own_select ON session_tombstones FOR SELECT USING (user_id = 'x')",
    ]) {
      await database.query(sql);
    }
    await addHead(database, "gone", "", 0);
    await bury(database, "gone", NIL, "ada");
    await bury(database, "nobody's", ID, "bob");
    await database.query("INSERT INTO session_tombstones VALUES ('unknown', $1, now(), NULL)", [ID]);
    await migrate(database);
    expect(await ownersIn(database)).toEqual({ gone: sha256("ada"), "nobody's": sha256("bob"), unknown: "" });
    const { rows } = await database.query(
      `SELECT (SELECT count(*)::integer FROM pg_trigger WHERE NOT tgisinternal) AS triggers,
         (SELECT count(*)::integer FROM pg_policy) AS policies, to_jsonb(row)::text LIKE '%ada%' AS named
       FROM session_tombstones AS row WHERE session_id = 'gone'`,
    );
    expect(rows).toEqual([{ triggers: 0, policies: 0, named: false }]);
  });
});
