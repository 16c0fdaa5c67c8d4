import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseManager } from "@rivet/db-manager";
import { sharedServer, startProxy } from "@rivet/local-servers";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { rivetMemory } from "./cli.ts";

const server = sharedServer({ beforeAll, afterAll });

/** A folder with a journal in the usual place, in which an atom waits for the provider of an address. */
async function folderWithJournal(): Promise<{ folder: string; journal: string; url: string }> {
  const folder = await mkdtemp(join(tmpdir(), "rivet-journal-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const journal = join(folder, "data", "local.db");
  await mkdir(join(folder, "data"));
  const url = await server().createDatabase();
  await using proxy = await startProxy(server());
  await using db = DatabaseManager.fromEnv({ NEON_DB_URL: proxy.url(url), LOCAL_DB_PATH: journal });
  await using storage = new PostgresMemoryStorage({ db });
  await storage.open();
  proxy.setMode("refuse");
  await storage.saveMemoryAtom({ sessionId: "forged", userId: "ada", memoryType: "log", content: 1 });
  return { folder, journal, url };
}

async function sessions(url: string): Promise<string[]> {
  await using storage = new PostgresMemoryStorage({ connectionString: url });
  return (await storage.listSessions()).map(({ sessionId }) => sessionId);
}

describe("a journal in the working directory", () => {
  it.each([
    ["prune", ["prune", "postgres:"]],
    ["repair", ["repair"]],
    ["erase", ["erase", "postgres:", "--user", "bob", "--yes"]],
  ])("is not delivered by %s, as nobody named it", async (_, arguments_) => {
    const { folder, url } = await folderWithJournal();
    await rivetMemory(arguments_, { NEON_DB_URL: url }, "", folder);
    expect(await sessions(url)).toEqual([]);
  });

  it("is delivered when --journal names it", async () => {
    const { folder, journal, url } = await folderWithJournal();
    const run = await rivetMemory(
      ["erase", "postgres:", "--user", "bob", "--yes", "--journal", journal],
      { NEON_DB_URL: url },
      "",
      folder,
    );
    expect(run.exitCode, run.stderr).toBe(0);
    await rivetMemory(["repair", "--journal", journal], { NEON_DB_URL: url }, "", folder);
    expect(await sessions(url)).toEqual(["forged"]);
  });

  it("is named by erase as a place that was not looked into", async () => {
    const { folder, url } = await folderWithJournal();
    const run = await rivetMemory(["erase", "postgres:", "--user", "ada", "--yes"], { NEON_DB_URL: url }, "", folder);
    expect(run).toMatchObject({ exitCode: 1, stdout: expect.stringContaining("--journal") });
  });
});

describe("every command", () => {
  it("finds the tables in the schema that --schema names", async () => {
    const url = await server().createDatabase();
    const schema = ["--schema", "agent"];
    const file = join(await mkdtemp(join(tmpdir(), "rivet-schema-")), "all.jsonl");
    onTestFinished(() => rm(join(file, ".."), { recursive: true, force: true }));
    expect((await rivetMemory(["migrate", url, ...schema])).exitCode).toBe(0);
    {
      await using storage = new PostgresMemoryStorage({ connectionString: url, schema: "agent" });
      await storage.saveMemoryAtom({ sessionId: "line-3", userId: "ada", memoryType: "log", content: 1 });
    }
    for (const arguments_ of [
      ["doctor", url],
      ["sessions", url],
      ["show", url, "line-3", "--atoms"],
      ["export", url, file],
      ["import", file, url],
      ["verify", url, url],
      ["status", url],
      ["prune", url],
      ["repair", url],
      ["erase", url, "--user", "ada", "--yes"],
    ]) {
      const run = await rivetMemory([...arguments_, ...schema]);
      expect(run, `${arguments_[0]}: ${run.stderr}${run.stdout}`).toMatchObject({ exitCode: 0 });
    }
    const tables = "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = 'public'";
    expect(await server().query(tables, [], new URL(url).pathname.slice(1))).toEqual([]);
  });
});
