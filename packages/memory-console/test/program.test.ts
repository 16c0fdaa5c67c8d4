import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { describe, expect, it, onTestFinished } from "vitest";

const program = join(import.meta.dirname, "..", "src", "main.ts");

/** What it prints until it ends, or until it says where the page is. */
async function run(...options: readonly string[]): Promise<{ lines: string[]; end: () => Promise<number | null> }> {
  const child = spawn(process.execPath, ["--conditions=@rivet/source", program, ...options], { stdio: "pipe" });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = once(child, "exit");
  const lines: string[] = [];
  createInterface(child.stderr).on("line", (line) => lines.push(line));
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    if (line.includes("Ctrl+C")) break;
  }
  const end = async (): Promise<number | null> => {
    child.kill("SIGTERM");
    const [code] = await ended;
    return code;
  };
  return { lines, end };
}

describe("the program", () => {
  it("prints an address that opens, and ends by a signal", async () => {
    const folder = await mkdtemp(join(tmpdir(), "rivet-console-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, "agent.db");
    await (await new SQLiteStorage(file).open()).close();
    const { lines, end } = await run(`sqlite:${file}`);
    const url = /http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}/.exec(lines.join("\n"))?.[0] ?? "";
    expect((await fetch(url, { redirect: "manual" })).status).toBe(303);
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

  it("refuses a port that is none", async () => {
    const { lines, end } = await run("memory:", "--port", "99999");
    expect(await end()).toBe(1);
    expect(lines.join("\n")).toContain("It must be a whole number from 0 to 65535.");
  });
});
