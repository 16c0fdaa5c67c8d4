import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startPostgres } from "@rivet/local-servers";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { describe, expect, it, onTestFinished } from "vitest";

const program = join(import.meta.dirname, "..", "src", "main.ts");

interface Run {
  readonly lines: string[];
  /** The exit code, once it has ended by itself. */
  readonly ended: Promise<number | null>;
  readonly end: () => Promise<number | null>;
}

/** Returns the output of the program until it ends, or until it prints the address of the page. */
async function run(...options: readonly string[]): Promise<Run> {
  const child = spawn(process.execPath, ["--conditions=@rivet/source", program, ...options], { stdio: "pipe" });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = once(child, "exit").then(([code]) => code);
  const lines: string[] = [];
  createInterface(child.stderr).on("line", (line) => lines.push(line));
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    if (line.includes("Ctrl+C")) break;
  }
  const end = async (): Promise<number | null> => {
    child.kill("SIGTERM");
    return ended;
  };
  return { lines, ended, end };
}

describe("the program", () => {
  it("prints an address that opens, and ends by a signal", async () => {
    const folder = await mkdtemp(join(tmpdir(), "rivet-console-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, "agent.db");
    await (await new SQLiteStorage(file).open()).close();
    const { lines, end } = await run(`sqlite:${file}`);
    const url = /http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}/.exec(lines.join("\n"))?.[0] ?? "";
    expect((await fetch(url)).status).toBe(200);
    expect(await end()).toBe(0);
  });

  it.each([
    ["redis://localhost", "the scheme"],
    ["sqlite:/", "folder"],
    ["sqlite:./nowhere.db", 'there is no file "./nowhere.db"'],
  ])("says what is wrong with %s", async (url, reason) => {
    const { lines, end } = await run(url);
    expect(await end()).toBe(1);
    expect(lines.join("\n")).toMatch(/^rivet-memory-console: /);
    expect(lines.join("\n")).toContain(reason);
    expect(lines.join("\n")).not.toContain("    at ");
  });

  it("makes no tables to look at, unless it may write", { timeout: 120_000 }, async () => {
    await using server = await startPostgres();
    const url = await server.createDatabase();
    const tables = (): Promise<unknown[]> =>
      server.query("SELECT 1 FROM pg_tables WHERE tablename LIKE 'rivet%'", [], new URL(url).pathname.slice(1));
    const { lines, ended } = await run(url);
    expect(await ended).toBe(1);
    expect(lines.join("\n")).toMatch(/^rivet-memory-console: /);
    expect(await tables()).toEqual([]);
    const writing = await run(url, "--write");
    expect(await writing.end()).toBe(0);
    expect(await tables()).not.toEqual([]);
  });

  it("refuses a port that is none", async () => {
    const { lines, end } = await run("memory:", "--port", "99999");
    expect(await end()).toBe(1);
    expect(lines.join("\n")).toContain("It must be a whole number from 0 to 65535.");
  });
});
