import { until } from "@rivet/local-servers";
import { readFileSync } from "node:fs";
import { SCHEMA_VERSION, schemaStatements } from "@rivet/postgres-schema";
import { MIGRATION_FILE, supabaseMigration } from "@rivet/memory-supabase";
import { describe, expect, it } from "vitest";
import { createClient } from "@supabase/supabase-js";
import { EMPTY_PROJECT, MIGRATION, sharedProject, storageForTest } from "./project.ts";

const project = sharedProject({}, async () => undefined);

/** As the first version of the migration made it. */
const OLDER_FUNCTION = `CREATE FUNCTION rivet_select_atoms(given_session_id text, given_user_id text, memory_types text[], ids uuid[],
  after_id uuid, before_id uuid, is_newest_first boolean, row_limit integer) RETURNS json LANGUAGE sql AS 'SELECT NULL::json'`;
const OLDER_ARGUMENTS = {
  given_session_id: "s",
  given_user_id: null,
  memory_types: null,
  ids: null,
  after_id: null,
  before_id: null,
  is_newest_first: true,
  row_limit: 10,
};

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => "no error",
    (error: unknown) => error,
  );
}

describe("the migration's file", () => {
  it("is what the code makes; else run the script write-migration", () => {
    expect(MIGRATION).toBe(supabaseMigration());
  });

  it("is of the form in which Supabase's command line orders migrations, and shipped", () => {
    expect(MIGRATION_FILE).toMatch(/^supabase\/migrations\/\d{14}_[a-z_]+\.sql$/);
    const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
    expect(manifest.files).toContain("supabase");
  });

  it.each(['a"b', "", "a'b", "a b", "pg_x", 7])("is made for no schema of the name %j", (schema) => {
    // @ts-expect-error the point is a name of any type
    expect(() => supabaseMigration({ schema })).toThrow("options.schema");
  });
});

describe("a project", () => {
  it("without the migration says which file to apply, and how; and knows it once its API does", async () => {
    const storage = storageForTest({ url: project().url, key: project().keys.secret });
    for (const work of [
      () => storage.listSessions(),
      () => storage.loadSession("s"),
      () => storage.saveMemoryAtom({ sessionId: "s", userId: "u", memoryType: "log", content: 1 }),
      () => storage.deleteSession("s"),
    ]) {
      const error = await errorOf(work());
      expect(error).toMatchObject({ code: "schema", retryable: false });
      expect(String(error)).toContain(MIGRATION_FILE);
      expect(String(error)).toContain("npx supabase db push");
    }

    // The API hears of nothing: its view of the schema is stale.
    await project().server.query("ALTER EVENT TRIGGER pgrst_ddl_watch DISABLE");
    await project().apply(MIGRATION.replace(/^NOTIFY .*$/m, ""));
    const stale = await errorOf(storage.listSessions());
    expect(stale).toMatchObject({ code: "schema" });
    expect(String(stale)).toContain("NOTIFY pgrst, 'reload schema'");

    await project().server.query("NOTIFY pgrst, 'reload schema'");
    await until(() => storage.listSessions());

    // And the other way round: it knows functions and tables that are gone.
    await project().server.query("DROP FUNCTION rivet_select_heads");
    expect(await errorOf(storage.listSessions())).toMatchObject({ code: "schema" });
    await project().server.query("DROP TABLE rivet_public.session_memories CASCADE");
    expect(await errorOf(storage.queryMemoryAtoms({ sessionId: "s" }))).toMatchObject({ code: "schema" });
  });

  it("whose tables and functions are older is brought up to date, and clients of before go on", async () => {
    const { server, postgrest, url, keys } = project();
    await server.query(EMPTY_PROJECT);
    const [version, all] = [SCHEMA_VERSION - 1, schemaStatements()];
    const older = all.slice(0, all.length - schemaStatements({ fromVersion: version }).length);
    const stamp = `INSERT INTO rivet_store (store_uuid, schema_version, heartbeat) VALUES (gen_random_uuid(), ${version}, now())`;
    await project().apply([...older, stamp, OLDER_FUNCTION].join(";\n"));
    await project().apply(MIGRATION);
    await postgrest.restart();
    const storage = storageForTest({ url, key: keys.secret });
    await storage.saveMemoryAtom({
      sessionId: "s",
      userId: "u",
      memoryType: "log",
      content: 1,
      expiresAt: new Date(0),
    });
    expect(await storage.queryMemoryAtoms()).toEqual([]);
    const client = createClient(url, keys.secret);
    const { data, error } = await client.rpc("rivet_select_atoms", OLDER_ARGUMENTS);
    expect(error).toBeNull();
    expect(data.more).toBe(false);
  });

  it("whose tables have another version is left as it is, and told so", async () => {
    await project().server.query(EMPTY_PROJECT);
    await project().apply(MIGRATION);
    await project().server.query(`UPDATE rivet_public.rivet_store SET schema_version = ${SCHEMA_VERSION + 1}`);
    const error = await errorOf(project().apply(MIGRATION));
    expect(String(error)).toContain(`version ${SCHEMA_VERSION + 1}, and this file is for version ${SCHEMA_VERSION}`);
  });
});
