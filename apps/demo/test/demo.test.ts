import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Readable } from "node:stream";
import { startPostgres } from "@rivet/local-servers";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { XMLValidator } from "fast-xml-parser";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

const app = join(import.meta.dirname, "..");
/** Where a user starts it: an empty folder for each test. */
let folder = "";
/** The temporary folder of all runs. What is made once on a machine stays in it, and is made once here too. */
let temporary = "";

beforeAll(async () => {
  temporary = await mkdtemp(join(process.env["RIVET_SERVER_DATA"] ?? tmpdir(), "rivet-demo-temporary-"));
  // A root user's server runs as another, who has to reach its files.
  await chmod(temporary, 0o711);
});
afterAll(() => rm(temporary, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivet-demo-test-"));
});
afterEach(async () => {
  const kept = (await leftovers()).map((name) => join(temporary, name));
  await Promise.all([folder, ...kept].map((path) => rm(path, { recursive: true, force: true })));
});

interface Run {
  readonly exitCode: unknown;
  readonly output: string;
}

/** The command as a user starts it in `folder`. */
function start(args: readonly string[]): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, ["--conditions=@rivet/source", "src/main.ts", ...args], {
    cwd: app,
    // Build servers say CI, and nothing of it may bring colours into a pipe.
    env: { ...process.env, INIT_CWD: folder, TMPDIR: temporary, RIVET_SERVER_DATA: temporary, CI: "true" },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Runs the demo and returns its output on both streams. */
async function demo(...args: readonly string[]): Promise<Run> {
  const child = start(args);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  const [exitCode]: unknown[] = await once(child, "close");
  return { exitCode, output };
}

/** A run whose file is kept, and what it takes to verify it again. */
async function keptRun(): Promise<{ path: string; verify: () => Promise<Run> }> {
  const { output } = await demo("--backend", "sqlite:", "--keep");
  const path = /kept: (.*\.db)/.exec(output)?.[1] ?? "";
  const acknowledged = join(dirname(path), "acknowledged.jsonl");
  return { path, verify: () => demo("verify", "--backend", `sqlite:${path}`, "--acknowledged", acknowledged) };
}

/** Lists the files that runs have left in the temporary folder, except those that are made once. */
async function leftovers(): Promise<string[]> {
  return (await readdir(temporary)).filter((name) => name.startsWith("rivet-demo-") || name.includes("server"));
}

async function transcript(name: string, lines: readonly string[]): Promise<string> {
  await writeFile(join(folder, name), lines.join("\n"));
  return name;
}

const SESSION = '{"type":"session","userId":"ada"}';
const PART = '{"type":"message","role":"assistant","content":[{"type":"tool-call"}]}';
const TAKEN = '{"type":"atom","memoryType":"session_metadata","content":"x"}';
const DEEP = `{"type":"atom","memoryType":"log","content":${"[".repeat(20_000)}${"]".repeat(20_000)}}`;

function message(text: string): string {
  return `{"type":"message","role":"user","content":"${text}"}`;
}

describe("the demo", { timeout: 120_000 }, () => {
  it("writes in one process, checks in another, and leaves nothing behind", async () => {
    const { exitCode, output } = await demo("--backend", "sqlite:");
    expect(output).toMatch(/A second process \(\d+\)/);
    expect(output).toMatch(/✓ each of 43 acknowledged atoms is stored exactly once/);
    expect(output).toMatch(/Context window of 500 tokens/);
    expect(exitCode).toBe(0);
    expect(await leftovers()).toEqual([]);
  });

  it("by default goes on while the databases die and come back, shows where each atom is, and draws a picture of it", async () => {
    const { exitCode, output } = await demo("--picture", "pictures/failover.svg");
    const steps = [
      /turn +2 of 10 +neon/,
      /neon is killed/,
      /turn +3 of 10 +supabase/,
      /supabase is cut off/,
      /turn +4 of 10 +railway/,
      /railway is killed too/,
      /turn +6 of 10 +the local journal +the user waited [\d.]+ ms/,
      /all three are back/,
      /the journal is empty/,
      /all servers have stayed healthy and neon takes the work again/,
      /turn +10 of 10 +neon/,
      /Where each of the 43 atoms is/,
      /Atoms per store\n +neon +43\n +supabase +43\n +railway +43\n +journal +0\n/,
      /picture: .*\.svg/,
      /✓ none of 41 acknowledged messages and atoms is lost, and none is twice in a store/,
      /✓ all are equal: neon, supabase, railway hold the same atoms, 43 each, and the journal is empty\n$/,
    ];
    const places = steps.map((step) => output.search(step));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((left, right) => left - right));
    expect(exitCode).toBe(0);
    expect(await leftovers()).toEqual([]);

    const path = join(folder, "pictures", "failover.svg");
    expect(output).toContain(`picture: ${path}\n`);
    const svg = await readFile(path, "utf8");
    expect(XMLValidator.validate(svg)).toBe(true);
    const marks = [...svg.matchAll(/<title>turn (\d+): saved in \d+ ms<\/title>/g)].map(([, turn]) => Number(turn));
    expect(marks.toSorted((left, right) => left - right)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    for (const bar of ["killed", "cut off", "back"]) expect(svg).toContain(`<title>${bar}</title>`);
    expect(svg).toContain(">all equal</text>");
    expect(svg).not.toContain("not equal");
  });

  it("tells that story of a conversation of one turn too", async () => {
    const { exitCode, output } = await demo(
      "--transcript",
      await transcript("short.jsonl", [SESSION, message("hello")]),
    );
    expect(output).toMatch(/turn +1 of 1/);
    expect(output).toContain("✓ none of 1 acknowledged");
    expect(output).toMatch(/✓ all are equal: .* hold the same atoms, 2 each/);
    expect(exitCode).toBe(0);
  });

  it("prints plain lines where there is no terminal, also of messages that would colour one", async () => {
    const file = await transcript("colours.jsonl", [SESSION, message("\\u001b[31mred\\u0007"), message("two")]);
    const { output } = await demo("--transcript", file, "--backend", "memory:");
    // oxlint-disable-next-line no-control-regex
    expect(output).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(output).toContain("turn 2 of 2: 3 atoms acknowledged");
  });

  it("starts a PostgreSQL server of its own, and leaves nothing of it behind", { timeout: 120_000 }, async () => {
    const { exitCode, output } = await demo("--backend", "postgres:");
    expect(output).toMatch(/started a PostgreSQL server on port \d+/);
    expect(output).toMatch(/✓ each of 43 acknowledged atoms is stored exactly once/);
    expect(exitCode).toBe(0);
    expect(await leftovers()).toEqual([]);
  });

  it("starts a Supabase project's API of its own, and leaves nothing of it behind", { timeout: 120_000 }, async () => {
    const { exitCode, output } = await demo("--backend", "supabase:");
    expect(output).toMatch(/started PostgreSQL, PostgREST and a gateway at http/);
    expect(output).toMatch(/✓ each of 43 acknowledged atoms is stored exactly once/);
    expect(exitCode).toBe(0);
    expect(await leftovers()).toEqual([]);
  });

  it("takes the address of a PostgreSQL, and does not show its password", { timeout: 120_000 }, async () => {
    await using server = await startPostgres();
    const url = await server.createDatabase();
    const { exitCode, output } = await demo("--backend", url);
    expect(output).toMatch(/✓ each of 43 acknowledged atoms is stored exactly once/);
    expect(exitCode).toBe(0);
    await server.stop();
    const failed = await demo("--backend", url);
    expect(failed.exitCode).toBe(1);
    expect(failed.output).toMatch(/✗ .*ECONNREFUSED/);
    expect(output + failed.output).not.toContain(server.password);
  });

  it.each(["memory:", "sqlite::memory:"])("reads %s back in the same process, and says so", async (backend) => {
    const { exitCode, output } = await demo("--backend", backend);
    expect(output).toContain(`${backend} exists only in this process`);
    expect(output).not.toContain("A second process");
    expect(output).toContain("✓ each of 43");
    expect(exitCode).toBe(0);
  });

  it("keeps a file that the user named, and adds a session to it each time", async () => {
    const first = await demo("--backend", "sqlite:mine/kept.db");
    const second = await demo("--backend", "sqlite:mine/kept.db", "--keep");
    expect(second.output).toContain(`kept: ${join(folder, "mine", "kept.db")}`);
    expect(await leftovers()).toEqual([]);
    expect([first.exitCode, second.exitCode]).toEqual([0, 0]);
    await using storage = new SQLiteStorage(join(folder, "mine", "kept.db"));
    expect(await storage.listSessions()).toHaveLength(2);
  });

  it("keeps its own file when asked, and prints its path", async () => {
    const { path, verify } = await keptRun();
    expect(existsSync(path)).toBe(true);
    expect((await verify()).exitCode).toBe(0);
  });

  it("fails when an acknowledged atom is not there, and names it", async () => {
    const { path, verify } = await keptRun();
    const storage = new SQLiteStorage(path);
    const [decision] = await storage.queryMemoryAtoms({ memoryType: "decision" });
    await storage.deleteMemoryAtoms(decision?.sessionId ?? "", [decision?.id ?? ""]);
    await storage.close();
    const { exitCode, output } = await verify();
    expect(output).toContain(`decision ${decision?.id} is stored 0 times`);
    expect(exitCode).toBe(1);
  });

  it("fails when an acknowledged atom is another one than it was, or one cannot be read", async () => {
    const { path, verify } = await keptRun();
    using file = new DatabaseSync(path);
    const tamper = file.prepare("UPDATE session_memories SET content = ? WHERE memory_type = ?");
    tamper.run('{"code":"F0003"}', "issue");
    tamper.run("{half", "context");
    const { exitCode, output } = await verify();
    expect(output).toMatch(/issue \S+ has different content/);
    expect(output).toMatch(/atom \S+ cannot be read: .* its content is not JSON/);
    expect(output).toMatch(/context \S+ is stored 0 times/);
    expect(exitCode).toBe(1);
  });

  it("fails when an atom is there that was never acknowledged", async () => {
    const { path, verify } = await keptRun();
    const storage = new SQLiteStorage(path);
    const [issue] = await storage.queryMemoryAtoms({ memoryType: "issue" });
    const { sessionId = "", userId = "" } = issue ?? {};
    const [copy] = await storage.saveMemoryAtoms([{ sessionId, userId, memoryType: "issue", content: issue?.content }]);
    await storage.close();
    const { exitCode, output } = await verify();
    expect(output).toContain(`issue ${copy?.id} is stored but was never acknowledged`);
    expect(exitCode).toBe(1);
  });

  it("fails when the session is gone", async () => {
    const { path, verify } = await keptRun();
    const storage = new SQLiteStorage(path);
    for (const { sessionId } of await storage.listSessions()) await storage.deleteSession(sessionId);
    await storage.close();
    const { exitCode, output } = await verify();
    expect(output.match(/is stored 0 times/g)).toHaveLength(43);
    expect(exitCode).toBe(1);
  });

  it("removes what is temporary when it is interrupted", async () => {
    const file = await transcript("long.jsonl", [SESSION, ...Array.from({ length: 2_000 }, () => message("again"))]);
    for (const moment of ["turn 1 of", "A second process"]) {
      const child = start(["--backend", "sqlite:", "--transcript", file]);
      let output = "";
      child.stdout.setEncoding("utf8").on("data", (text) => {
        output += text;
        if (output.includes(moment) && !child.killed) child.kill("SIGINT");
      });
      const [exitCode]: unknown[] = await once(child, "close");
      expect(exitCode).toBe(130);
      expect(await leftovers()).toEqual([]);
    }
  });

  it("ends as ever when nobody reads what it prints", async () => {
    const child = start(["--backend", "sqlite:"]);
    child.stdout.destroy();
    let complaints = "";
    child.stderr.setEncoding("utf8").on("data", (text) => (complaints += text));
    const [exitCode]: unknown[] = await once(child, "close");
    expect({ exitCode, complaints }).toEqual({ exitCode: 0, complaints: "" });
    expect(await leftovers()).toEqual([]);
  });

  it.each([
    ["no JSON", [SESSION, "", "{half"], /line 3: this is not JSON/],
    ["another type", [SESSION, '{"type":"joke"}'], /line 2:/],
    ["a role that is none", [SESSION, '{"type":"message","role":"robot","content":"x"}'], /line 2:[\s\S]*role/],
    ["no line", [], /is empty/],
    ["no turn", [SESSION], /nothing to replay/],
    ["a part that lacks a field", [SESSION, message("x"), PART], /line 3: content\[0\]\.toolCallId must be a string/],
    ["an atom of a type that is taken", [SESSION, message("x"), TAKEN], /line 3: .* session_metadata/],
    ["a value that is too deep", [SESSION, message("x"), DEEP], /line 3: .* nested deeper than 1000 levels/],
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
    ["a picture of what has none", ["--backend", "memory:", "--picture", "x.svg"], /'--picture <file>' cannot be used/],
    ["an option that is none", ["--speed"], /unknown option '--speed'/],
  ])("says what is wrong with %s", async (_, args, expected) => {
    const { exitCode, output } = await demo(...args);
    expect(output).toMatch(expected);
    expect(output).not.toContain("secret");
    expect(exitCode).toBe(1);
  });

  it("names the line of a transcript that is not UTF-8", async () => {
    const text = Buffer.from(`${SESSION}\n${message("Schönen Feierabend")}`, "latin1");
    await writeFile(join(folder, "latin1.jsonl"), text);
    const { exitCode, output } = await demo("--transcript", "latin1.jsonl");
    expect(output).toContain("line 2: this is not UTF-8 text");
    expect(exitCode).toBe(1);
  });

  it("replays a transcript of the user's, with any character in it and system messages over the window", async () => {
    const anything = '{"type":"atom","memoryType":"sample","content":["\\u0000","\\ud800","\\u001a",{"__proto__":1}]}';
    const system = `{"type":"message","role":"system","content":"${"word ".repeat(3_000)}"}`;
    const file = await transcript("mine.jsonl", [`\ufeff${SESSION}`, system, message("hello"), anything, ""]);
    const { exitCode, output } = await demo("--transcript", file, "--backend", "sqlite:");
    expect(output).toContain("sample");
    expect(output).toContain("Context window of 500 tokens: none");
    expect(output).toContain("✓ each of 4 acknowledged atoms");
    expect(exitCode).toBe(0);
  });
});
