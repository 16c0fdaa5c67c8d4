import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sharedServer, startPostgres, startProxy } from "@rivet/local-servers";
import { AtomClock, type MemoryStorage } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clockFinding, isFine, type Finding } from "../src/doctor/finding.ts";
import { examineIdsByReader } from "../src/doctor/ids-ahead.ts";
import { examinePostgres } from "../src/doctor/postgres.ts";
import { examineSQLite } from "../src/doctor/sqlite.ts";
import { rivetMemory } from "./cli.ts";

const server = sharedServer({ beforeAll, afterAll });

/** Topics of what is not well. */
function complaints(findings: readonly Finding[]): string[] {
  return findings.filter((finding) => !isFine(finding)).map(({ topic }) => topic);
}

/** Moves the tables where the migration of Supabase does. */
async function hideTables(url: string): Promise<void> {
  const database = new URL(url).pathname.slice(1);
  await server().query(
    `CREATE SCHEMA rivet_public; DO $$ DECLARE name text; BEGIN
      FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('ALTER TABLE public.%I SET SCHEMA rivet_public', name);
      END LOOP;
    END $$`,
    [],
    database,
  );
}

const TWO_YEARS_MS = 2 * 365 * 24 * 60 * 60 * 1_000;

/** The clock of a machine on which it is two years later. */
function clockAhead(): AtomClock {
  return new AtomClock({ now: () => Date.now() + TWO_YEARS_MS });
}

/** Two atoms of one session and one of another. */
async function saveThree(storage: MemoryStorage): Promise<void> {
  for (const [sessionId, content] of [
    ["robot\n1", 1],
    ["robot\n1", 2],
    ["robot 2", 3],
  ] as const) {
    await storage.saveMemoryAtom({ sessionId, userId: "ada", memoryType: "log", content });
  }
}

const THREE_AHEAD = expect.objectContaining({
  level: "warning",
  topic: "ids",
  text: expect.stringMatching(
    /^3 atoms in 2 sessions have ids more than 24 hours ahead of this machine's clock, up to 20\S+Z: "robot 2" \(1\), "robot 1" \(2\)$/,
  ),
});

async function migrated(): Promise<string> {
  const url = await server().createDatabase();
  await using storage = new PostgresMemoryStorage({ connectionString: url });
  await storage.open();
  return url;
}

describe("the doctor, at a provider of PostgreSQL,", () => {
  it("has nothing to say of one that is well", async () => {
    expect(complaints(await examinePostgres(await migrated()))).toEqual([]);
  });

  it("names tables that are missing, and what to run", async () => {
    const findings = await examinePostgres(await server().createDatabase());
    expect(complaints(findings)).toEqual(["schema"]);
    expect(findings.find(({ topic }) => topic === "schema")?.action).toBe("run rivet-memory migrate");
  });

  it("names tables that are newer than itself", async () => {
    const url = await migrated();
    await server().query("UPDATE rivet_store SET schema_version = 99", [], new URL(url).pathname.slice(1));
    const findings = await examinePostgres(url);
    expect(complaints(findings)).toEqual(["schema"]);
    const finding = findings.find(({ topic }) => topic === "schema");
    expect(finding?.text).toContain("99");
    expect(finding?.action).toContain("npm install");
  });

  it("names a role that may not create the tables", async () => {
    const url = new URL(await server().createDatabase());
    const database = url.pathname.slice(1);
    await server().query("CREATE ROLE reader LOGIN PASSWORD 'reader'", [], database);
    url.username = "reader";
    url.password = "reader";
    expect(complaints(await examinePostgres(url.href))).toEqual(["permission"]);
  });

  it("names one that is not there, a wrong password, and a wrong database", async () => {
    const url = new URL(await migrated());
    const wrongDatabase = new URL(url);
    wrongDatabase.pathname = "/nowhere";
    expect(complaints(await examinePostgres(wrongDatabase.href))).toEqual(["database"]);
    const wrongUser = new URL(url);
    wrongUser.username = "nobody";
    wrongUser.password = "hunter2";
    const findings = await examinePostgres(wrongUser.href);
    expect(complaints(findings)).toEqual(["permission"]);
    expect(JSON.stringify(findings)).not.toContain("hunter2");
    expect(complaints(await examinePostgres("postgres://u:hunter2@127.0.0.1:1/x"))).toEqual(["unreachable"]);
  });

  it("names one that is silent, one that resets connections, and one that is read only", async () => {
    const url = await migrated();
    await using proxy = await startProxy(server());
    proxy.setMode("black-hole");
    expect(complaints(await examinePostgres(proxy.url(url)))).toEqual(["silent"]);
    proxy.setMode("refuse");
    expect(complaints(await examinePostgres(proxy.url(url)))).toEqual(["unreachable"]);
    const database = new URL(url).pathname.slice(1);
    await server().query(`ALTER DATABASE "${database}" SET default_transaction_read_only = on`);
    expect(complaints(await examinePostgres(url))).toEqual(["read-only"]);
  });

  it("names one of several that is stopped, and finds the others well", { timeout: 120_000 }, async () => {
    await using stopped = await startPostgres();
    const environment = { NEON_DB_URL: await stopped.createDatabase(), RAILWAY_DB_URL: await migrated() };
    stopped.pause();
    const { exitCode, stdout } = await rivetMemory(["doctor", "--json"], environment);
    stopped.resume();
    expect(exitCode).toBe(1);
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    expect(findings.filter(({ level }) => level === "problem").map(({ subject }) => subject)).toContain("neon");
    expect(findings.filter(({ subject }) => subject === "railway").every(({ level }) => level === "ok")).toBe(true);
  });

  it("names a role that may read the tables and not write into them, or may make no more connections", async () => {
    const url = new URL(await migrated());
    const database = url.pathname.slice(1);
    await server().query("CREATE ROLE looker LOGIN PASSWORD 'looker'", [], database);
    await server().query("GRANT SELECT ON ALL TABLES IN SCHEMA public TO looker", [], database);
    url.username = "looker";
    url.password = "looker";
    expect(complaints(await examinePostgres(url.href))).toEqual(["permission"]);
    await server().query("ALTER ROLE looker CONNECTION LIMIT 0", [], database);
    expect(complaints(await examinePostgres(url.href))).toEqual(["connections"]);
  });

  it("warns where every role may create objects beside the tables", async () => {
    const url = await migrated();
    const database = new URL(url).pathname.slice(1);
    await server().query("GRANT CREATE ON SCHEMA public TO PUBLIC", [], database);
    const finding = expect.objectContaining({
      level: "warning",
      topic: "rights",
      action: 'REVOKE CREATE ON SCHEMA "public" FROM PUBLIC',
    });
    expect(await examinePostgres(url)).toContainEqual(finding);
    await server().query('REVOKE CREATE ON SCHEMA "public" FROM PUBLIC', [], database);
    expect(await examinePostgres(url)).not.toContainEqual(finding);
  });

  it("finds tables in the hidden schema of a Supabase project, and the rights to them", async () => {
    const url = await migrated();
    await hideTables(url);
    expect(complaints(await examinePostgres(url))).toEqual([]);
  });

  it("counts atoms whose ids are ahead of the clock, in each of two providers, also in a hidden schema", async () => {
    const urls = [await migrated(), await migrated()];
    for (const connectionString of urls) {
      await using right = new PostgresMemoryStorage({ connectionString });
      await right.saveMemoryAtom({ sessionId: "right", userId: "ada", memoryType: "log", content: 0 });
      await using ahead = new PostgresMemoryStorage({ connectionString, clock: clockAhead() });
      await saveThree(ahead);
    }
    const [neon = "", railway = ""] = urls;
    await hideTables(railway);
    const { exitCode, stdout } = await rivetMemory(["doctor", "--json"], {
      NEON_DB_URL: neon,
      RAILWAY_DB_URL: railway,
    });
    expect(exitCode).toBe(1);
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    const found = findings.filter(({ topic }) => topic === "ids");
    expect(found.map(({ subject }) => subject).toSorted()).toEqual(["neon", "railway"]);
    expect(found).toEqual([THREE_AHEAD, THREE_AHEAD]);
  });

  it("names tables of which one is gone", async () => {
    const url = await migrated();
    await server().query("DROP TABLE session_tombstones", [], new URL(url).pathname.slice(1));
    expect(complaints(await examinePostgres(url))).toEqual(["schema"]);
  });

  it("counts no processes of the server's own among its connections", async () => {
    await using small = await startPostgres({
      settings: { max_connections: "8", superuser_reserved_connections: "0" },
    });
    const findings = await examinePostgres(await small.createDatabase());
    expect(complaints(findings)).toEqual(["schema"]);
  });

  it("names one that cannot be trusted", async () => {
    expect(complaints(await examinePostgres(`${await migrated()}?sslmode=require`))).toEqual(["tls"]);
  });

  it("names two variables that lead to one database", async () => {
    const url = await migrated();
    const { exitCode, stdout } = await rivetMemory(["doctor", "--json"], { NEON_DB_URL: url, RAILWAY_DB_URL: url });
    expect(exitCode).toBe(1);
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    expect(complaints(findings)).toEqual(["configuration"]);
    expect(findings.find(({ subject }) => subject === "supabase")?.level).toBe("unused");
    expect(findings.find(({ level }) => level === "problem")?.text).toContain("are the same database");
  });

  it("names what waits in the local journal", async () => {
    const url = await migrated();
    await using proxy = await startProxy(server());
    const folder = await mkdtemp(join(tmpdir(), "rivet-doctor-journal-"));
    const local = join(folder, "journal.db");
    {
      await using storage = new PostgresMemoryStorage({ connectionString: proxy.url(url), local });
      await storage.open();
      proxy.setMode("refuse");
      await storage.saveMemoryAtom({ sessionId: "s", userId: "ada", memoryType: "log", content: 1 });
    }
    const environment = { DATABASE_URL: url, LOCAL_DB_PATH: local };
    const { exitCode, stdout } = await rivetMemory(["doctor"], environment);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/! \S+journal\.db: 1 atoms \(1 KiB\) wait in the local journal, the oldest for \d+ s/);
    await rm(folder, { recursive: true });
  });

  it("names an environment without an address", async () => {
    const { exitCode, stdout } = await rivetMemory(["doctor"]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^✗ configuration: .*NEON_DB_URL/);
  });
});

describe("the doctor, at a SQLite file,", () => {
  it("names a folder that is not there, a file that is none of SQLite's, and one of another program", async () => {
    const folder = await mkdtemp(join(tmpdir(), "rivet-doctor-"));
    expect(complaints(await examineSQLite(join(folder, "not", "x.db")))).toEqual(["unreachable"]);
    expect(complaints(await examineSQLite(join(folder, "new.db")))).toEqual([]);
    const damaged = join(folder, "damaged.db");
    await writeFile(damaged, "this is no database, and long enough to be taken for the first page of one");
    expect(complaints(await examineSQLite(damaged))).toEqual(["damaged"]);
    const foreign = join(folder, "foreign.db");
    new Database(foreign).exec("CREATE TABLE bookmarks (url TEXT)").close();
    expect((await examineSQLite(foreign)).filter(({ level }) => level !== "ok")).toMatchObject([
      { level: "problem", topic: "schema" },
    ]);
    const newer = join(folder, "newer.db");
    await (await new SQLiteStorage(newer).open()).close();
    const file = new Database(newer);
    file.pragma("user_version = 99");
    file.close();
    const [finding] = (await examineSQLite(newer)).filter(({ level }) => level === "problem");
    expect(finding).toMatchObject({ topic: "schema", text: expect.stringContaining("99") });
    const empty = join(folder, "empty.db");
    await writeFile(empty, "");
    expect(complaints(await examineSQLite(empty))).toEqual(["schema"]);
    await chmod(folder, 0o700);
    await rm(folder, { recursive: true });
  });
});

describe("ids that are ahead of the clock", () => {
  it("are counted by session in a SQLite file, which is not changed, and by the reader of any storage", async () => {
    const folder = await mkdtemp(join(tmpdir(), "rivet-doctor-ids-"));
    const path = join(folder, "memory.db");
    {
      await using ahead = new SQLiteStorage(path, { clock: clockAhead() });
      await saveThree(ahead);
    }
    await using storage = new SQLiteStorage(path);
    await storage.saveMemoryAtom({ sessionId: "right", userId: "ada", memoryType: "log", content: 0 });
    expect(await examineIdsByReader(storage.reader, "any", Date.now())).toEqual(THREE_AHEAD);
    await storage.close();
    const before = await readFile(path);
    const findings = await examineSQLite(path);
    expect(complaints(findings)).toEqual(["ids"]);
    expect(findings).toContainEqual(THREE_AHEAD);
    expect(findings.filter(({ topic }) => topic === "rights")).toHaveLength(1);
    expect((await readFile(path)).equals(before)).toBe(true);
    await rm(folder, { recursive: true });
  });
});

describe("a clock", () => {
  it("is worth a warning when it is off by more than two seconds, whichever way, and more than is uncertain", () => {
    expect(clockFinding("neon", 1_900, 5).level).toBe("ok");
    expect(clockFinding("neon", -300_000, 5)).toMatchObject({
      level: "warning",
      topic: "clock",
      text: expect.stringContaining("300.0 s behind"),
    });
    expect(clockFinding("neon", 3_000, 2_000).level).toBe("ok");
  });
});
