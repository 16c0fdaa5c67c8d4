import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rivetMemory, start } from "./cli.ts";

let folder = "";
let url = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivet-cli-files-"));
  const path = join(folder, "agent.db");
  url = `sqlite:${path}`;
  await using storage = new SQLiteStorage(path);
  const log = { sessionId: "line\u009b31m", userId: "ada", memoryType: "log" };
  await storage.saveMemoryAtoms(Array.from({ length: 3_000 }, (_, content) => ({ ...log, content })));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("export", () => {
  it("leaves a file that is there as it is, unless --force says to replace it", async () => {
    const file = join(folder, "mine.jsonl");
    await writeFile(file, "mine");
    const refused = await rivetMemory(["export", url, file]);
    expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/is there.*--force/) });
    expect(await readFile(file, "utf8")).toBe("mine");
    expect(await rivetMemory(["export", url, file, "--force"])).toMatchObject({ exitCode: 0 });
    expect(await readFile(file, "utf8")).toContain('"format":"rivet-memory archive"');
    expect((await readdir(folder)).filter((name) => name.endsWith(".part"))).toEqual([]);
  });

  it("ends without an error when the reader of its output has seen enough", async () => {
    const child = start(["export", url, "-"]);
    await once(child.stdout, "data");
    child.stdout.destroy();
    const exit = once(child, "exit");
    expect(await text(child.stderr)).toBe("");
    expect(await exit).toEqual([0, null]);
  });
});

describe("one JSON document", () => {
  it("has escapes for the control characters that a terminal obeys", async () => {
    const { stdout } = await rivetMemory(["sessions", url, "--json"]);
    expect(stdout).not.toContain("\u009b");
    expect(JSON.parse(stdout)[0].sessionId).toBe("line\u009b31m");
  });
});

describe("an address in the place of a file", () => {
  const address = "postgres://ada:hunter2@127.0.0.1:1/app";
  it.each([
    ["import", ["import", address, "backup.jsonl"]],
    ["export", ["export", "URL", address]],
    ["erase", ["erase", "URL", "--user", "ada", "--yes", "--receipt", address]],
    ["a journal", ["prune", "postgres:", "--journal", address]],
    ["a wrong password with a slash", ["sessions", "postgres://ada:hun/ter2@127.0.0.1:1/app"]],
  ])("is refused by %s, which shows nothing of the password", async (_, arguments_) => {
    const run = await rivetMemory(arguments_.map((argument) => (argument === "URL" ? url : argument)));
    expect(run).toMatchObject({ exitCode: expect.toBeOneOf([2, 3]), stdout: "" });
    expect(run.stderr).not.toMatch(/hunter2|ter2|hun\//);
  });
});

describe("verify --subset", () => {
  it("finds nothing missing after a copy into a store that others use too", async () => {
    const path = join(folder, "shared.db");
    {
      await using storage = new SQLiteStorage(path);
      await storage.saveMemoryAtom({ sessionId: "of bob", userId: "bob", memoryType: "log", content: 1 });
    }
    const shared = `sqlite:${path}`;
    await rivetMemory(["copy", url, shared]);
    const whole = await rivetMemory(["verify", url, shared]);
    expect(whole).toMatchObject({ exitCode: 1, stdout: expect.stringContaining("--subset") });
    expect(await rivetMemory(["verify", url, shared, "--subset"])).toMatchObject({ exitCode: 0 });
    expect(await rivetMemory(["verify", shared, url, "--subset"])).toMatchObject({ exitCode: 1 });
  });
});

describe("shell completion", () => {
  it("completes commands and options, and prints a script for each shell", async () => {
    expect((await rivetMemory(["complete", "--", "ex"])).stdout).toMatch(/^export\t/);
    expect((await rivetMemory(["complete", "--", "prune", "--"])).stdout).toContain("--older-than");
    for (const shell of ["bash", "zsh", "fish"])
      expect((await rivetMemory(["complete", shell])).stdout).toContain("rivet-memory");
  });
});

describe("--schema", () => {
  it("is refused for an address that has no schemas", async () => {
    const run = await rivetMemory(["sessions", url, "--schema", "agent"]);
    expect(run).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("PostgreSQL and Supabase") });
  });
});
