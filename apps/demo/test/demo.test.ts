import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const app = join(import.meta.dirname, "..");
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivet-demo-test-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Run {
  readonly exitCode: unknown;
  readonly output: string;
}

/** The command as a user runs it from `folder`, with what it prints on both streams; its own temporary files are there too. */
async function demo(...args: readonly string[]): Promise<Run> {
  const child = spawn(process.execPath, ["--conditions=@rivet/source", "src/main.ts", ...args], {
    cwd: app,
    // Build servers say CI, and nothing of it may bring colours into a pipe.
    env: { ...process.env, INIT_CWD: folder, TMPDIR: folder, CI: "true" },
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const [exitCode]: unknown[] = await once(child, "close");
  return { exitCode, output };
}

async function transcript(name: string, lines: readonly string[]): Promise<string> {
  await writeFile(join(folder, name), lines.join("\n"));
  return name;
}

const SESSION = '{"type":"session","userId":"ada"}';

describe("the demo", { timeout: 30_000 }, () => {
  it("writes in one process, checks in another, and leaves nothing behind", async () => {
    const { exitCode, output } = await demo();
    expect(output).toMatch(/A second process \(\d+\)/);
    expect(output).toMatch(/✓ each of 41 acknowledged atoms is there exactly once/);
    expect(output).toMatch(/Context window of 500 tokens/);
    expect(exitCode).toBe(0);
    expect((await readdir(folder)).filter((name) => name.startsWith("rivet-demo-"))).toEqual([]);
  });

  it("prints plain lines where there is no terminal", async () => {
    const { output } = await demo("--backend", "memory:");
    // oxlint-disable-next-line no-control-regex
    expect(output).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(output).toContain("turn 10 of 10: 41 acknowledged");
  });

  it("reads memory: back in the same process, and says so", async () => {
    const { exitCode, output } = await demo("--backend", "memory:");
    expect(output).toContain("lives in this process alone");
    expect(output).toContain("✓ each of 41");
    expect(exitCode).toBe(0);
  });

  it("keeps a file that the user named, and adds a session to it each time", async () => {
    const first = await demo("--backend", "sqlite:mine/kept.db");
    const second = await demo("--backend", "sqlite:mine/kept.db");
    expect([first.exitCode, second.exitCode]).toEqual([0, 0]);
    await using storage = new SQLiteStorage(join(folder, "mine", "kept.db"));
    expect(await storage.listSessions()).toHaveLength(2);
  });

  it("keeps its own file when asked, and prints its path", async () => {
    const { exitCode, output } = await demo("--keep");
    const path = /kept: (.*\.db)/.exec(output)?.[1] ?? "";
    expect(exitCode).toBe(0);
    expect(existsSync(path)).toBe(true);
  });

  it("fails when an acknowledged atom is not there, and names it", async () => {
    const { output } = await demo("--keep");
    const path = /kept: (.*\.db)/.exec(output)?.[1] ?? "";
    const storage = new SQLiteStorage(path);
    const [decision] = await storage.queryMemoryAtoms({ memoryType: "decision" });
    await storage.deleteMemoryAtoms(decision?.sessionId ?? "", [decision?.id ?? ""]);
    await storage.close();
    const acknowledged = path.replace("memory.db", "acknowledged.jsonl");
    const verified = await demo("verify", "--backend", `sqlite:${path}`, "--acknowledged", acknowledged);
    expect(verified.exitCode).toBe(1);
    expect(verified.output).toContain(`decision ${decision?.id} is there 0 times`);
  });

  it.each([
    ["no JSON", [SESSION, "", "{half"], /line 3: this is not JSON/],
    ["another type", [SESSION, '{"type":"joke"}'], /line 2:/],
    ["a role that is none", [SESSION, '{"type":"message","role":"robot","content":"x"}'], /line 2:[\s\S]*role/],
    ["a line too few", [], /is empty/],
    ["no session first", ['{"type":"metadata"}'], /line 1: the first line must be of type "session"/],
    ["two sessions", [SESSION, SESSION], /line 2: only the first line/],
  ])("names the bad line of a transcript with %s, before anything is written", async (_, lines, expected) => {
    const file = await transcript("bad.jsonl", lines);
    const { exitCode, output } = await demo("--transcript", file, "--backend", "sqlite:untouched.db");
    expect(output).toMatch(expected);
    expect(output).not.toContain("    at ");
    expect(exitCode).toBe(1);
    expect(existsSync(join(folder, "untouched.db"))).toBe(false);
  });

  it.each([
    ["a transcript that is not there", ["--transcript", "nowhere.jsonl"], /nowhere\.jsonl cannot be read/],
    ["a backend that is none", ["--backend", "redis:secret@host"], /scheme "redis"; expected memory: or sqlite:/],
    ["an option that is none", ["--speed"], /unknown option '--speed'/],
  ])("says what is wrong with %s", async (_, args, expected) => {
    const { exitCode, output } = await demo(...args);
    expect(output).toMatch(expected);
    expect(output).not.toContain("secret");
    expect(exitCode).toBe(1);
  });

  it("replays a transcript of the user's", async () => {
    const file = await transcript("mine.jsonl", [SESSION, '{"type":"message","role":"user","content":"hello"}']);
    const { exitCode, output } = await demo("--transcript", file);
    expect(output).toContain("✓ each of 1 acknowledged atoms");
    expect(exitCode).toBe(0);
  });
});
