import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { checkSchema, migrate, SCHEMA_VERSION, schemaStatements, type SchemaDatabase } from "../src/index.ts";
import { sqlFile } from "../src/sql-file.ts";
import { catalogOf, connect, useServer } from "./database.ts";

const server = useServer();

/** The tables as a version of before made them. */
async function makeTables(database: Pick<SchemaDatabase, "query">, version: number): Promise<void> {
  const all = schemaStatements();
  const later = schemaStatements({ fromVersion: version });
  for (const statement of all.slice(0, all.length - later.length)) await database.query(statement);
  await database.query("INSERT INTO rivet_store VALUES (gen_random_uuid(), $1, now())", [version]);
}

describe("migrate", () => {
  it("creates the tables once, when twelve begin at the same time", async () => {
    const url = await server().createDatabase();
    const databases = await Promise.all(Array.from({ length: 12 }, () => connect(url)));
    await Promise.all(databases.map((database) => migrate(database)));
    const [database] = databases;
    if (database === undefined) throw new Error("there is no connection");
    expect((await database.query("SELECT schema_version FROM rivet_store")).rows).toEqual([
      { schema_version: SCHEMA_VERSION },
    ]);
    await checkSchema(database);
  });

  it("leaves nothing behind when a statement in the middle fails, and succeeds once the cause is gone", async () => {
    const database = await connect(await server().createDatabase());
    await database.query("CREATE TABLE replication_hints (mine int)");
    const before = await catalogOf(database, "public");
    await expect(migrate(database)).rejects.toThrow("replication_hints");
    expect(await catalogOf(database, "public")).toEqual(before);
    await database.query("DROP TABLE replication_hints");
    await migrate(database);
    await checkSchema(database);
  });

  it("leaves nothing behind when its connection is ended in the middle, and the next one succeeds", async () => {
    const url = await server().createDatabase();
    const [victim, blocker, next] = [await connect(url), await connect(url), await connect(url)];
    // The migration waits for the advisory lock, inside its transaction.
    const waiting = blocker.transaction(async (client) => {
      await client.query("SELECT pg_advisory_xact_lock(hashtextextended('rivet-memory public', 0))");
      const migrating = migrate(victim);
      // It may fail before anybody waits for it.
      migrating.catch(() => undefined);
      const isWaiting = "SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'advisory'";
      while ((await next.query(isWaiting, [victim.pid])).rows.length === 0);
      await next.query("SELECT pg_terminate_backend($1)", [victim.pid]);
      return migrating;
    });
    await expect(waiting).rejects.toThrow();
    expect(await catalogOf(next, "public")).toEqual([]);
    await migrate(next);
    await checkSchema(next);
  });

  it.each(["agent memory", 'Quo"ted', "UPPER", "schéma ☃", "'; DROP SCHEMA public; --"])(
    "takes %j for the name of a schema, and creates it",
    async (schema) => {
      const database = await connect(await server().createDatabase());
      await migrate(database, { schema });
      await migrate(database, { schema });
      await checkSchema(database, { schema });
      await expect(checkSchema(database)).rejects.toMatchObject({ code: "schema" });
    },
  );

  it("makes as many hash partitions as it is told, and refuses another number later", async () => {
    const database = await connect(await server().createDatabase());
    await migrate(database, { partitions: 3 });
    await database.query(
      `INSERT INTO session_memories SELECT 'session ' || n, gen_random_uuid(), 'u', 'log', '1', '{}', now()
       FROM generate_series(1, 100) AS n`,
    );
    const { rows } = await database.query("SELECT DISTINCT tableoid FROM session_memories");
    expect(rows).toHaveLength(3);
    await migrate(database, { partitions: 3 });
    await migrate(database);
    await expect(migrate(database, { partitions: 4 })).rejects.toMatchObject({
      code: "schema",
      message: expect.stringContaining("has 3 partitions"),
    });
  });

  it.each(Array.from({ length: SCHEMA_VERSION - 1 }, (_, index) => index + 1))(
    "brings tables of version %i up to date, as new ones are, and keeps what they hold",
    async (version) => {
      const database = await connect(await server().createDatabase());
      await makeTables(database, version);
      await expect(checkSchema(database)).rejects.toMatchObject({
        code: "schema",
        message: expect.stringContaining(`schemaStatements({ schema: "public", fromVersion: ${version} })`),
      });
      await database.query(
        "INSERT INTO session_memories VALUES ('s', gen_random_uuid(), 'u', 'log', '1', '{}', now())",
      );
      await migrate(database);
      expect((await database.query("SELECT content, expires_at FROM session_memories")).rows).toHaveLength(1);
      const fresh = await connect(await server().createDatabase());
      await migrate(fresh);
      expect(await catalogOf(database, "public")).toEqual(await catalogOf(fresh, "public"));
    },
  );

  it("refuses tables that are newer than the code", async () => {
    const database = await connect(await server().createDatabase());
    await migrate(database);
    await database.query("UPDATE rivet_store SET schema_version = 99");
    for (const open of [migrate, checkSchema]) {
      await expect(open(database)).rejects.toMatchObject({
        code: "schema",
        message: expect.stringContaining("version 99"),
      });
    }
  });

  it("leaves a table of another application as it is", async () => {
    const database = await connect(await server().createDatabase());
    await database.query("CREATE TABLE session_memories (id int PRIMARY KEY, note text)");
    const before = await catalogOf(database, "public");
    await expect(migrate(database)).rejects.toMatchObject({
      code: "schema",
      message: expect.stringContaining("another application"),
    });
    expect(await catalogOf(database, "public")).toEqual(before);
  });

  it("tells a role that may not create the tables what to do, and asks nothing more of it once they are there", async () => {
    const url = await server().createDatabase();
    const name = decodeURIComponent(new URL(url).pathname.slice(1));
    await server().query("CREATE ROLE guest LOGIN PASSWORD 'guest-password'");
    const guest = await connect(server().url(name, "guest", "guest-password"));
    await expect(migrate(guest)).rejects.toMatchObject({
      code: "permission",
      message: expect.stringMatching(/GRANT CREATE/),
    });
    const owner = await connect(url);
    await migrate(owner);
    await owner.query("GRANT SELECT ON rivet_store TO guest");
    await migrate(guest);
  });
});

describe("checkSchema", () => {
  it("says what to run, and that makes it content", async () => {
    const database = await connect(await server().createDatabase());
    await expect(checkSchema(database, { schema: "agent" })).rejects.toMatchObject({
      code: "schema",
      message: expect.stringContaining('schemaStatements({ schema: "agent" })'),
    });
    await database.transaction(async (client) => {
      for (const statement of schemaStatements({ schema: "agent" })) await client.query(statement);
    });
    await checkSchema(database, { schema: "agent" });
  });
});

describe("the SQL file", () => {
  const text = readFileSync(new URL("../sql/schema.sql", import.meta.url), "utf8");

  it("is what the code gives; `pnpm --filter @rivet/postgres-schema write-sql` writes it", () => {
    expect(text).toBe(sqlFile());
  });

  it("applied by hand makes what migrate makes", async () => {
    const url = await server().createDatabase();
    const database = await connect(url);
    await server().query(text, [], decodeURIComponent(new URL(url).pathname.slice(1)));
    await migrate(database, { schema: "made" });
    expect(await catalogOf(database, "public")).toEqual(await catalogOf(database, "made"));
    await checkSchema(database);
  });
});

describe("the options", () => {
  it.each([
    ["options.schema", { schema: "" }],
    ["options.schema", { schema: "x".repeat(64) }],
    ["options.schema", { schema: "nul\0" }],
    ["options.schema", { schema: "pg_catalog" }],
    ["options.schema", { schema: 7 }],
    ["options.partitions", { partitions: 0 }],
    ["options.partitions", { partitions: 1.5 }],
    ["options.partitions", { partitions: 5_000 }],
    ["options.fromVersion", { fromVersion: -1 }],
    ["options.fromVersion", { fromVersion: SCHEMA_VERSION + 1 }],
  ])("%s is refused with its path", (path, options) => {
    // @ts-expect-error the point is options of any type
    expect(() => schemaStatements(options)).toThrow(
      expect.objectContaining({ name: "MemoryError", code: "invalid_input", path }),
    );
  });
});

describe("a database that cannot hold Unicode", () => {
  it.each(["LATIN1", "SQL_ASCII"])(
    "with the encoding %s is refused by migrate and checkSchema, saying what to do",
    async (encoding) => {
      const name = `other_${encoding.toLowerCase()}`;
      await server().query(`CREATE DATABASE ${name} ENCODING '${encoding}' LOCALE 'C' TEMPLATE template0`);
      const database = await connect(server().url(name));
      for (const refused of [migrate(database), checkSchema(database)]) {
        const error: unknown = await refused.catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ code: "schema", outcome: "not_applied", retryable: false });
        expect(String(error)).toContain(encoding);
        expect(String(error)).toContain("ENCODING 'UTF8'");
      }
      expect(await catalogOf(database, "public")).toEqual([]);
    },
  );
});
