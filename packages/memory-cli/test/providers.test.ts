import { sharedServer } from "@rivet/local-servers";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rivetMemory } from "./cli.ts";

const server = sharedServer({ beforeAll, afterAll });

/** The table of the Python original. */
const LEGACY_TABLE = `CREATE TABLE session_memories (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(), session_id VARCHAR(255) NOT NULL, user_id VARCHAR(255),
  memory_type VARCHAR(50) NOT NULL, content JSONB NOT NULL, metadata JSONB DEFAULT '{}',
  created_at TIMESTAMPTZ DEFAULT NOW())`;
const LEGACY_ROW = `INSERT INTO session_memories (session_id, user_id, memory_type, content)
  VALUES ('line-3', 'ada', 'message_user', '{"role": "user", "content": "It trips."}')`;

describe("migrate", () => {
  it("tries the adoption of a table of the Python original with --dry-run, and then does it", async () => {
    const url = await server().createDatabase();
    const database = new URL(url).pathname.slice(1);
    for (const statement of [LEGACY_TABLE, LEGACY_ROW]) await server().query(statement, [], database);
    const tables = () =>
      server().query("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1", [], database);
    const before = await tables();
    expect(await rivetMemory(["migrate", url, "--dry-run"])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/would be brought up to date; nothing was changed/),
    });
    expect(await tables()).toEqual(before);
    expect((await rivetMemory(["migrate", url])).stdout).toMatch(/is up to date now/);
    expect((await rivetMemory(["show", url, "line-3"])).stdout).toContain("It trips.");
    expect((await rivetMemory(["migrate", url, "--dry-run"])).stdout).toMatch(/is up to date \(/);
  });

  it("prints the SQL of PostgreSQL and of Supabase", async () => {
    expect((await rivetMemory(["migrate", "--print"])).stdout).toMatch(/^BEGIN;\n[^]*session_memories[^]*COMMIT;\n$/);
    const { sql } = JSON.parse((await rivetMemory(["migrate", "supabase:", "--print", "--json"])).stdout);
    expect(sql).toContain("rivet_write_atoms");
  });
});

describe("repair and status", () => {
  it("make the providers equal, and say that nothing waits", async () => {
    const environment = {
      NEON_DB_URL: await server().createDatabase(),
      RAILWAY_DB_URL: await server().createDatabase(),
    };
    {
      await using neon = new PostgresMemoryStorage({ connectionString: environment.NEON_DB_URL });
      await neon.saveMemoryAtom({ sessionId: "s", userId: "ada", memoryType: "log", content: 1 });
    }
    const verify = ["verify", environment.NEON_DB_URL, environment.RAILWAY_DB_URL];
    const repaired = await rivetMemory(["repair"], environment);
    expect(repaired).toMatchObject({ exitCode: 0, stdout: "1 atoms copied, 0 removed.\n" });
    expect(await rivetMemory(verify)).toMatchObject({ exitCode: 0 });
    const status = await rivetMemory(["status", "--json"], environment);
    expect(status.exitCode, status.stdout).toBe(0);
    const { pairs, unreachable } = JSON.parse(status.stdout);
    expect(unreachable).toEqual([]);
    expect(pairs).toMatchObject([
      { from: "neon", to: "railway", hints: 0 },
      { from: "railway", to: "neon", hints: 0 },
    ]);
  });

  it("are of no use for one file", async () => {
    expect(await rivetMemory(["status", "memory:"])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/give postgres:/),
    });
  });
});
