import { beforeAll, describe, expect, it } from "vitest";
import {
  AGAIN,
  answered,
  CALLER,
  cut,
  expectFailure,
  FULL,
  NAMES_NOTHING,
  SATURATED,
  statement,
  UNREACHABLE,
  type Work,
} from "./provocation.ts";
import { manage, useServer } from "./servers.ts";

const server = useServer();
let url = "";

const SCHEMA = `
  CREATE TABLE parents (id int PRIMARY KEY);
  CREATE TABLE parts (
    id int PRIMARY KEY CHECK (id > 0),
    parent int NOT NULL DEFAULT 1 REFERENCES parents ON DELETE RESTRICT,
    label varchar(3) NOT NULL DEFAULT '',
    span int4range,
    EXCLUDE USING gist (span WITH &&)
  );
  INSERT INTO parents VALUES (1);
  INSERT INTO parts VALUES (1, 1, '', '[1,5]');
  CREATE VIEW odd_parents AS SELECT id FROM parents WHERE id % 2 = 1 WITH CHECK OPTION;
  CREATE SEQUENCE short MAXVALUE 2;
  SELECT nextval('short'), nextval('short');
  CREATE ROLE ada`;

beforeAll(async () => {
  url = await server().createDatabase();
  await server().query(SCHEMA, [], new URL(url).pathname.slice(1));
});

/** Statements that a caller may send and the server refuses, by SQLSTATE class. */
const STATEMENTS: readonly (readonly [sqlState: string, text: string])[] = [
  ["0A000", "SELECT * FROM elsewhere.public.parts"],
  ["0LP01", "GRANT INSERT (id), USAGE ON parts TO ada"],
  ["21000", "SELECT (SELECT n FROM generate_series(1, 2) n)"],
  ["22001", "INSERT INTO parts (id, label) VALUES (2, 'long')"],
  ["22003", "SELECT 2147483647 + 1"],
  ["22004", "SELECT format(NULL), json_object(ARRAY[NULL]::text[], ARRAY['a'])"],
  ["22007", "SELECT 'never'::date"],
  ["22008", "SELECT '2001-02-30'::date"],
  ["22012", "SELECT 1 / 0"],
  ["22021", "SELECT convert_from('\\xff', 'UTF8')"],
  ["22023", "SELECT set_config('work_mem', 'much', false)"],
  ["22025", "SELECT 'a' LIKE 'a' ESCAPE 'ab'"],
  ["22030", "SELECT JSON_OBJECT('a': 1, 'a': 2 WITH UNIQUE KEYS)"],
  ["2203A", "SELECT jsonb_path_query('{}', 'strict $.a')"],
  ["2200H", "SELECT nextval('short')"],
  ["2201B", "SELECT 'a' ~ '('"],
  ["2201E", "SELECT ln(0)"],
  ["2201W", "SELECT 1 LIMIT -1"],
  ["2202E", "SELECT '{1}'::int[] || '{{{1}}}'::int[]"],
  ["22P02", "SELECT 'one'::int"],
  ["22P05", "SELECT convert('日', 'UTF8', 'LATIN1')"],
  ["23001", "DELETE FROM parents"],
  ["23502", "INSERT INTO parts (id, label) VALUES (2, NULL)"],
  ["23503", "INSERT INTO parts (id, parent) VALUES (2, 2)"],
  ["23505", "INSERT INTO parts (id) VALUES (1)"],
  ["23514", "INSERT INTO parts (id) VALUES (0)"],
  ["23P01", "INSERT INTO parts (id, span) VALUES (2, '[2,3]')"],
  ["25001", "BEGIN; VACUUM"],
  ["25P01", "SAVEPOINT a"],
  ["2BP01", "DROP TABLE parents"],
  ["34000", "FETCH nothing"],
  ["3B001", "BEGIN; ROLLBACK TO nothing"],
  ["42601", "SELEC 1"],
  ["42701", "ALTER TABLE parts ADD COLUMN id int"],
  ["42702", "SELECT id FROM parts, parents"],
  ["42703", "SELECT nothing"],
  ["42704", "SELECT 1::nothing"],
  ["42710", "CREATE ROLE ada"],
  ["42725", "SELECT sum('1')"],
  ["42803", "SELECT id, count(*) FROM parents"],
  ["42804", "SELECT CASE WHEN 1 THEN 2 END"],
  ["42809", "DROP VIEW parts"],
  ["42830", "CREATE TABLE t (id int REFERENCES parts (parent))"],
  ["42846", "SELECT 1::date"],
  ["42883", "SELECT nothing(1)"],
  ["42P01", "SELECT * FROM nothing"],
  ["42P04", "CREATE DATABASE postgres"],
  ["42P06", "CREATE SCHEMA public"],
  ["42P07", "CREATE TABLE parts ()"],
  ["42P18", "PREPARE undetermined AS SELECT $1 IS NULL"],
  ["44000", "INSERT INTO odd_parents VALUES (2)"],
  ["54000", "SELECT repeat('x', 2000000000)"],
  ["54011", "DO $$ BEGIN EXECUTE 'SELECT ' || repeat('1,', 2000) || '1'; END $$"],
  ["55000", "SELECT currval('short')"],
  ["55P02", "SET max_connections = 7"],
  ["P0001", "DO $$ BEGIN RAISE 'mine'; END $$"],
  ["P0004", "DO $$ BEGIN ASSERT false; END $$"],
  ["XX000", "SELECT array_in('{1}', 0, -1)"],
];

describe("a statement that the server refuses", () => {
  it.each(STATEMENTS)("with %s is the caller's", async (sqlState, text) => {
    await expectFailure(manage(url), statement(text), answered(sqlState), CALLER);
  });

  it("for want of a privilege is the caller's", async () => {
    const work = statement("SET ROLE ada; SELECT * FROM parts");
    await expectFailure(manage(url), work, answered("42501"), { ...CALLER, code: "permission" });
  });

  it.each([
    ["3F000", "CREATE TABLE nowhere.t ()"],
    ["3D000", "DROP DATABASE nothing"],
    ["3D000", "ALTER DATABASE nothing CONNECTION LIMIT 1"],
  ])("with %s, because it names what does not exist, is the caller's", async (sqlState, text) => {
    await expectFailure(manage(url), statement(text), answered(sqlState), NAMES_NOTHING);
  });

  it("in a transaction that has failed already is the caller's", async () => {
    const work: Work = (provider) =>
      provider.transaction(async (client) => {
        await client.query("SELECT 1 / 0").catch(() => undefined);
        await client.query("SELECT 1");
      });
    await expectFailure(manage(url), work, answered("25P02"), CALLER);
  });

  it("with more values than it takes is the caller's", async () => {
    const work: Work = (provider) => provider.query("SELECT $1::int", [1, 2]);
    await expectFailure(manage(url), work, answered("08P01", "bind message supplies 2 parameters"), CALLER);
  });
});

describe("a prepared statement", () => {
  it("whose result has changed is prepared again on a new connection", async () => {
    const db = manage(url, { poolSize: 1 });
    await db.query("CREATE TABLE changing (a int)");
    const named = { name: "all", text: "SELECT * FROM changing" };
    await db.query(named);
    await db.query("ALTER TABLE changing ADD COLUMN b int");
    const circumstances = answered("0A000", "cached plan must not change result type");
    await expectFailure(db, (provider) => provider.query(named), circumstances, AGAIN);
    expect((await db.query(named)).rows).toEqual([]);
  });

  it.each([
    ["26000", "EXECUTE nothing"],
    ["42P05", "PREPARE twice AS SELECT 1; PREPARE twice AS SELECT 1"],
  ])("that the session has not, or has already, is %s", async (sqlState, text) => {
    await expectFailure(manage(url), statement(text), answered(sqlState), AGAIN);
  });
});

describe("what the server is short of", () => {
  it("is room in a file: full", async () => {
    const work = statement("COPY (SELECT 1) TO '/dev/full'");
    await expectFailure(manage(url), work, answered("53100", "No space left on device"), FULL);
  });

  it("is memory for locks: full", async () => {
    const work = statement("SELECT count(pg_advisory_xact_lock(n)) FROM generate_series(1, 1000000) n");
    // It takes a million locks to get there.
    const patient = manage(url, { statementTimeoutMs: 60_000 }, { operationTimeoutMs: 60_000 });
    await expectFailure(patient, work, answered("53200", "out of shared memory"), FULL);
  });

  it("is what a limit of its own leaves for temporary files: saturated", async () => {
    const work = statement(`
      SET temp_file_limit = 64; SET work_mem = 64;
      SELECT n FROM generate_series(1, 100000) n ORDER BY n DESC OFFSET 99999`);
    await expectFailure(manage(url), work, answered("53400", "temp_file_limit"), SATURATED);
  });

  it("is a disk that can be read: unreachable, and it may have been applied", async () => {
    const work = statement("SELECT pg_read_file('/proc/self/mem')");
    await expectFailure(manage(url), work, cut("58030", "Input/output error"), UNREACHABLE);
  });
});
