import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseManager } from "@rivet/db-manager";
import { MemoryError, Session, type MemoryStorage } from "@rivet/memory-core";
import { PostgresMemoryStorage, type PostgresMemoryStorageOptions } from "@rivet/memory-postgres";
import { supabaseMigration } from "@rivet/memory-supabase";
import { SCHEMA_VERSION, schemaStatements } from "@rivet/postgres-schema";
import { createClient } from "@supabase/supabase-js";
import pg from "pg";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { clientOfUser, EMPTY_PROJECT, MIGRATION, sharedProject, storageForTest, TABLES } from "./project.ts";

const ALICE = "a11ce000-0000-4000-8000-000000000001";
const project = sharedProject({}, async () => undefined);
/** The first version of the file, with tables in the schema that the API shows. */
const EARLIER = readFileSync(new URL("earlier/20261101000000_rivet_memory.sql", import.meta.url), "utf8");

function direct(options: PostgresMemoryStorageOptions = {}): PostgresMemoryStorage {
  const place = options.db === undefined ? { connectionString: project().databaseUrl } : {};
  const storage = new PostgresMemoryStorage({ ...place, local: false, ...options });
  onTestFinished(() => storage.close());
  return storage;
}

function rest(): MemoryStorage {
  return storageForTest({ url: project().url, key: project().keys.secret });
}

async function applyMigration(sql = MIGRATION): Promise<void> {
  await project().apply(sql);
  await project().postgrest.restart();
}

async function savedSession(storage: MemoryStorage, text: string): Promise<Session> {
  const session = new Session({ userId: ALICE, storage });
  session.addUserMessage(text);
  await session.save();
  return session;
}

async function textsOf(storage: MemoryStorage, sessionId: string): Promise<unknown[] | undefined> {
  return (await storage.loadSession(sessionId))?.history.messages().map(({ content }) => content);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "done",
    (error: unknown) => (MemoryError.isInstance(error) ? error.code : String(error)),
  );
}

/** The tables of a schema, and nothing else that is in it. */
async function tablesIn(schema: string): Promise<unknown[]> {
  const rows = await project().server.query(
    "SELECT relname::text AS name FROM pg_class WHERE relnamespace = to_regnamespace($1)::oid AND relkind IN ('r', 'p') ORDER BY 1",
    [schema],
  );
  return rows.map(({ name }) => name);
}

beforeEach(() => project().server.query(EMPTY_PROJECT));

describe("tables of a Supabase project", () => {
  it("are reached by no request, and not even counted", async () => {
    await applyMigration();
    await savedSession(rest(), "secret");
    const { url, keys } = project();
    const clients = [
      clientOfUser(project(), ALICE),
      createClient(url, keys.publishable),
      createClient(url, keys.secret),
    ];
    for (const client of clients) {
      for (const tables of [client, client.schema("rivet_public")]) {
        for (const name of TABLES) {
          for (const count of ["planned", "estimated", "exact"] as const) {
            const { data, count: counted, error } = await tables.from(name).select("*", { count });
            expect({ name, data, counted, isRefused: error !== null }).toEqual({
              name,
              data: null,
              counted: null,
              isRefused: true,
            });
          }
        }
      }
    }
  });

  it("are in the hidden schema alone, for a schema of any name", async () => {
    await project().server.query("CREATE SCHEMA agent; DROP SCHEMA agent");
    await project().apply(supabaseMigration({ schema: "agent" }));
    expect(await tablesIn("rivet_agent")).toEqual(TABLES.toSorted());
    expect(await tablesIn("agent")).toEqual([]);
    const storage = direct({ schema: "agent" });
    const { sessionId } = await savedSession(storage, "in agent");
    expect(await textsOf(direct({ schema: "agent", migrate: false }), sessionId)).toEqual(["in agent"]);
    expect(await tablesIn("agent")).toEqual([]);
    await project().server.query("DROP SCHEMA agent CASCADE; DROP SCHEMA rivet_agent CASCADE");
  });
});

describe("a direct connection with its defaults", () => {
  it("finds the tables that the migration made, and makes none beside them", async () => {
    await applyMigration();
    const { sessionId } = await savedSession(rest(), "over REST");
    for (const storage of [direct(), direct({ migrate: false })]) {
      expect(await textsOf(storage, sessionId)).toEqual(["over REST"]);
    }
    const own = await savedSession(direct(), "directly");
    expect(await textsOf(rest(), own.sessionId)).toEqual(["directly"]);
    expect(await tablesIn("public")).toEqual([]);
  });

  it("that made the tables finds them with their data after the migration has moved them", async () => {
    const { sessionId } = await savedSession(direct(), "before");
    await direct().deleteSession((await savedSession(direct(), "deleted")).sessionId);
    const before = await project().server.query("SELECT to_jsonb(head)::text AS head FROM session_heads AS head");
    await applyMigration();
    expect(
      await project().server.query("SELECT to_jsonb(head)::text AS head FROM rivet_public.session_heads AS head"),
    ).toEqual(before);
    expect(await textsOf(rest(), sessionId)).toEqual(["before"]);
    const storage = direct();
    expect(await textsOf(storage, sessionId)).toEqual(["before"]);
    expect((await storage.deleteUser(ALICE)).sessions).toBe(1);
    expect(await tablesIn("public")).toEqual([]);
    expect(await tablesIn("rivet_public")).toEqual(TABLES.toSorted());
  });

  it("finds partitions where they were moved", async () => {
    const { sessionId } = await savedSession(direct({ partitions: 2 }), "in a partition");
    await applyMigration();
    expect(await textsOf(direct({ partitions: 2 }), sessionId)).toEqual(["in a partition"]);
    expect(await tablesIn("public")).toEqual([]);
    expect(await tablesIn("rivet_public")).toHaveLength(TABLES.length + 2);
  });

  it("is told of rights that it lacks in the hidden schema, and makes no tables beside", async () => {
    await applyMigration();
    await project().server.query(
      `DROP ROLE IF EXISTS newcomer; CREATE ROLE newcomer LOGIN PASSWORD 'x'; GRANT CREATE ON SCHEMA public TO newcomer`,
    );
    const connectionString = project().server.url("postgres", "newcomer", "x");
    expect(await codeOf(new PostgresMemoryStorage({ connectionString, local: false }).open())).toBe("permission");
    expect(await tablesIn("public")).toEqual([]);
    await project().server.query("DROP OWNED BY newcomer; DROP ROLE newcomer");
  });

  it("of a role that could use the tables can do so after they have moved", async () => {
    await savedSession(direct(), "before");
    await project().server.query(
      `CREATE ROLE agent LOGIN PASSWORD 'x'; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO agent`,
    );
    await project().apply(MIGRATION);
    await project().server.query("ALTER ROLE agent BYPASSRLS");
    const db = new DatabaseManager({
      providers: [{ name: "postgres", connectionString: project().server.url("postgres", "agent", "x") }],
    });
    onTestFinished(() => db.close());
    const { sessionId } = await savedSession(direct({ db }), "as before");
    expect(await textsOf(direct({ db }), sessionId)).toEqual(["as before"]);
    await project().server.query("DROP OWNED BY agent; DROP ROLE agent");
  });
});

describe("a process that is at work while the tables move", () => {
  it("gets the error schema, and a new storage goes on", async () => {
    const storage = direct();
    const session = await savedSession(storage, "before");
    await applyMigration();
    session.addUserMessage("after");
    expect(await codeOf(session.save())).toBe("schema");
    expect(await codeOf(storage.loadSession(session.sessionId))).toBe("schema");
    const again = await direct().loadSession(session.sessionId);
    again?.addUserMessage("after");
    await again?.save();
    expect(await textsOf(rest(), session.sessionId)).toEqual(["before", "after"]);
    expect(await tablesIn("public")).toEqual([]);
  });

  it("goes on into its journal, which a new storage brings to the tables", async () => {
    const folder = mkdtempSync(join(tmpdir(), "rivet-hidden-tables-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const local = join(folder, "journal.db");
    const storage = direct({ local });
    const session = await savedSession(storage, "before");
    await applyMigration();
    session.addUserMessage("after");
    expect(await session.save()).toMatchObject({ acceptedBy: ["local"], degraded: true });
    await storage.close();
    const again = direct({ local });
    await again.open();
    await expect.poll(() => textsOf(rest(), session.sessionId), { timeout: 20_000 }).toEqual(["before", "after"]);
  });

  it("is listed by the migration, with what can be seen of it", async () => {
    const address = new URL(project().databaseUrl);
    address.searchParams.set("application_name", "the nightly import");
    const storage = direct({ connectionString: address.href });
    await storage.open();
    const client = new pg.Client({ connectionString: project().databaseUrl });
    await client.connect();
    const notices: string[] = [];
    client.on("notice", ({ message = "" }) => notices.push(message));
    await client.query(MIGRATION);
    await client.query(MIGRATION);
    await client.end();
    const listed = notices.filter((notice) => notice.includes("the nightly import"));
    expect(listed).toEqual([expect.stringMatching(/^process \d+, role project_owner, application the nightly import/)]);
    expect(notices.join("\n")).toContain("move from schema public to schema rivet_public");
  });

  it("of an earlier version creates nothing when it starts again, and asks for an upgrade", async () => {
    await applyMigration();
    // Such a version looks for the tables here, and takes a larger number for tables that it does not know.
    const [row] = await project().server.query("SELECT schema_version FROM public.rivet_store");
    expect(Number(row?.["schema_version"])).toBeGreaterThan(SCHEMA_VERSION);
    const error: unknown = await project()
      .apply(EARLIER)
      .catch((reason: unknown) => reason);
    expect(String(error)).toContain("and this file is for version");
    expect(await tablesIn("public")).toEqual([]);
  });
});

describe("the migration", () => {
  it("moves the tables of the first version of its file, with their rows, policies and users' rights", async () => {
    await applyMigration(EARLIER);
    const user = storageForTest({ client: clientOfUser(project(), ALICE) });
    const session = await savedSession(user, "before");
    await project().apply("CREATE POLICY everybody ON session_heads FOR SELECT TO authenticated USING (false)");
    await applyMigration();
    session.addUserMessage("after");
    await session.save();
    expect(await textsOf(user, session.sessionId)).toEqual(["before", "after"]);
    expect(await tablesIn("public")).toEqual([]);
    const policies = await project().server.query(
      "SELECT schemaname::text AS schema FROM pg_policies WHERE policyname = 'everybody'",
    );
    expect(policies).toEqual([{ schema: "rivet_public" }]);
  });

  it("follows the first version of its file in a new project", async () => {
    await project().apply(EARLIER);
    await applyMigration();
    await applyMigration();
    const { sessionId } = await savedSession(rest(), "new");
    expect(await textsOf(direct(), sessionId)).toEqual(["new"]);
  });

  it("refuses tables in both schemas, and says which", async () => {
    await project().apply(MIGRATION);
    await project().apply(`DROP VIEW public.rivet_store; ${schemaStatements().slice(1).join(";\n")}`);
    const error: unknown = await project()
      .apply(MIGRATION)
      .catch((reason: unknown) => reason);
    expect(String(error)).toContain("both schema public and schema rivet_public have tables of Rivet Memory");
  });

  it("leaves a table session_memories of somebody else where it is", async () => {
    await project().apply("CREATE TABLE session_memories (id uuid PRIMARY KEY)");
    const error: unknown = await project()
      .apply(MIGRATION)
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ hint: expect.stringContaining("rivet-memory migrate") });
    expect(await tablesIn("public")).toEqual(["session_memories"]);
    expect(await tablesIn("rivet_public")).toEqual([]);
  });
});

describe("providers of which one hides its tables", () => {
  it("hold the same, whichever takes the save", async () => {
    await applyMigration();
    const other = await project().server.createDatabase();
    const db = new DatabaseManager({
      providers: [
        { name: "supabase", connectionString: project().databaseUrl },
        { name: "neon", connectionString: other },
      ],
    });
    onTestFinished(() => db.close());
    const storage = direct({ db, acknowledge: 2 });
    const first = await savedSession(storage, "first");
    db.setProvider("neon");
    first.addUserMessage("second");
    expect((await first.save()).acceptedBy.toSorted()).toEqual(["neon", "supabase"]);
    expect(await textsOf(rest(), first.sessionId)).toEqual(["first", "second"]);
    expect(await textsOf(direct({ connectionString: other }), first.sessionId)).toEqual(["first", "second"]);
    expect(await storage.repair()).toMatchObject({ copied: 0, removed: 0 });
  });
});
