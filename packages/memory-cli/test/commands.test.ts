import { readFile, rm, mkdtemp, stat, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { Session } from "@rivet/memory-core";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rivetMemory, start } from "./cli.ts";

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivet-cli-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A file with a conversation of Ada's, with a tool call, and a decision. */
async function newFile(name: string): Promise<{ path: string; url: string }> {
  const path = join(folder, `${name}.db`);
  await using storage = new SQLiteStorage(path);
  const session = new Session({ userId: "ada", sessionId: "line-3", storage, metadata: { title: "Drive" } });
  session.addUserMessage("It trips with \u001b[31mF0002\u0007.");
  session.addAssistantMessage([{ type: "tool-call", toolCallId: "c1", toolName: "read", input: { parameter: 7 } }]);
  session.addToolMessage([
    { type: "tool-result", toolCallId: "c1", toolName: "read", output: { type: "text", value: "8 s" } },
  ]);
  session.addAssistantMessage("Lengthen the ramp.");
  await session.save();
  await storage.saveMemoryAtom({ sessionId: "line-3", userId: "ada", memoryType: "decision", content: { ramp: 8 } });
  return { path, url: `sqlite:${path}` };
}

describe("sessions and show", () => {
  it("print readably, and let no control character of a message reach the terminal", async () => {
    const { url } = await newFile("show");
    const { stdout } = await rivetMemory(["sessions", url, "--user", "ada"]);
    expect(stdout).toMatch(
      /^session +user +last active +messages +metadata\nline-3 +ada +\S+Z +4 +\{"title":"Drive"\}\n$/,
    );
    const shown = await rivetMemory(["show", url, "line-3", "--atoms"]);
    expect(shown.stdout).toContain("It trips with \\u001b[31mF0002\\u0007.");
    expect(shown.stdout).toContain('→ read {"parameter":7}');
    expect(shown.stdout).toMatch(/decision\n {2}\{\n {4}"ramp": 8\n {2}\}/);
    expect(shown.stdout).not.toMatch(/[\u001b\u0007]/);
  });

  it("print one JSON document with --json", async () => {
    const { url } = await newFile("json");
    const { stdout } = await rivetMemory(["show", url, "line-3", "--json", "--context", "20"]);
    const { session, messages } = JSON.parse(stdout);
    expect(session).toMatchObject({ sessionId: "line-3", userId: "ada", metadata: { title: "Drive" } });
    expect(messages.at(-1).content).toBe("Lengthen the ramp.");
  });
});

describe("sessions", () => {
  it("say when there are more than are shown", async () => {
    const { url, path } = await newFile("more");
    await using storage = new SQLiteStorage(path);
    await storage.saveMemoryAtom({ sessionId: "line-4", userId: "ada", memoryType: "log", content: 1 });
    const { stdout } = await rivetMemory(["sessions", url, "--limit", "1"]);
    expect(stdout).toMatch(/^session.*\nline-4.*\nThere are more: --limit shows more than 1\.\n$/);
    expect((await rivetMemory(["sessions", url, "--limit", "2"])).stdout).not.toContain("There are more");
  });
});

describe("a reader that has seen enough", () => {
  it("is no error", async () => {
    const { url } = await newFile("enough");
    const child = start(["sessions", url]);
    child.stdout.destroy();
    const exit = once(child, "exit");
    expect(await text(child.stderr)).toBe("");
    expect(await exit).toEqual([0, null]);
  });
});

describe("what is wrong", () => {
  it.each([
    ["a session that is not there", ["show", "URL", "nobody"], 2, /no such session.*\(not_found\)/],
    [
      "a file that is not there, which is not made",
      ["sessions", "sqlite:/nowhere/x.db"],
      2,
      /there is no file \/nowhere\/x\.db/,
    ],
    ["an address of no backend", ["sessions", "mysql://x"], 2, /mysql.*expected/],
    ["an option that is not one", ["prune", "URL", "--older-than", "soon"], 2, /such as 90d/],
    ["a command that is not one", ["sesions", "URL"], 2, /Did you mean sessions/],
    ["a user to erase with no word that it is meant", ["erase", "URL", "--user", "ada"], 2, /say --yes/],
    ["types to prune of which all would go", ["prune", "URL", "--types", "log"], 2, /--older-than or --keep-last/],
    ["an address for a command", ["postgres://u:hunter2@h/x"], 2, /unknown command 'postgres:…/],
    ["an address too much", ["copy", "URL", "postgres://u:hunter2@h/x", "-"], 2, /too many arguments/],
    ["an address for a number", ["sessions", "URL", "--limit", "https://u:hunter2@h/x"], 2, /'--limit <count>'/],
    ["a server that is not there", ["sessions", "postgres://u:hunter2@127.0.0.1:1/x"], 3, /ECONNREFUSED/],
  ])("%s is said with an exit code, and no secret", async (title, arguments_, exitCode, message) => {
    const { url } = title.includes("server") ? { url: "" } : await newFile(`wrong ${exitCode} ${arguments_[0]}`);
    const run = await rivetMemory(arguments_.map((argument) => (argument === "URL" ? url : argument)));
    expect(run).toMatchObject({ exitCode, stdout: "" });
    expect(run.stderr).toMatch(message);
    expect(run.stderr).not.toContain("hunter2");
  });

  it("is one JSON document on stderr with --json", async () => {
    const { stderr } = await rivetMemory(["sessions", "sqlite:/nowhere/x.db", "--json"]);
    expect(JSON.parse(stderr)).toEqual({ error: { code: "not_found", message: expect.stringContaining("no file") } });
    const misused = await rivetMemory(["sessions", "--json"]);
    expect(JSON.parse(misused.stderr)).toEqual({
      error: { code: "invalid_input", message: "missing required argument 'url'" },
    });
  });
});

describe("copy and verify", () => {
  it("bring a storage all of another one, and find every difference", async () => {
    const { url, path } = await newFile("from");
    const to = `sqlite:${join(folder, "to.db")}`;
    expect(await rivetMemory(["copy", url, to])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^6 atoms copied/),
    });
    expect(await rivetMemory(["verify", url, to])).toMatchObject({ exitCode: 0, stdout: "They are equal.\n" });
    expect(await rivetMemory(["copy", url, to])).toMatchObject({ stdout: expect.stringMatching(/^0 atoms copied/) });
    {
      await using storage = new SQLiteStorage(path);
      await storage.saveMemoryAtom({ sessionId: "line-3", userId: "ada", memoryType: "log", content: "new" });
    }
    const { exitCode, stdout } = await rivetMemory(["verify", url, to, "--json"]);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      isEqual: false,
      differences: [{ sessionId: "line-3", kind: "atom", found: "only-left" }],
    });
  });
});

describe("erase", () => {
  it("counts with --dry-run, erases with --yes, and writes a receipt without the user's id, once", async () => {
    const { url } = await newFile("erase");
    const receipt = join(folder, "receipt.json");
    const counted = await rivetMemory(["erase", url, "--user", "ada", "--dry-run"]);
    expect(counted.stdout).toBe("6 atoms in 1 sessions would be erased. Nothing was changed.\n");
    const erased = await rivetMemory(["erase", url, "--user", "ada", "--yes", "--receipt", receipt]);
    expect(erased).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("6 atoms in 1 sessions erased") });
    const text = await readFile(receipt, "utf8");
    expect(JSON.parse(text)).toMatchObject({
      sessions: 1,
      atoms: 6,
      messages: 4,
      erasedFrom: ["sqlite"],
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(text).not.toMatch(/"ada"|line-3/);
    expect((await stat(receipt)).mode & 0o077).toBe(0);
    expect((await rivetMemory(["sessions", url])).stdout).toBe("There are no sessions.\n");
  });
});

describe("erase, when its receipt has no place,", () => {
  it("says so before it erases, and leaves what is there", async () => {
    const { url, path } = await newFile("no place");
    const place = join(folder, "place.json");
    await writeFile(place, "mine");
    for (const receipt of [place, join(folder, "no", "folder.json")]) {
      const run = await rivetMemory(["erase", url, "--user", "ada", "--yes", "--receipt", receipt]);
      expect(run).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/nothing was erased/) });
    }
    expect(await readFile(place, "utf8")).toBe("mine");
    await using storage = new SQLiteStorage(path);
    expect(await storage.listSessions()).toHaveLength(1);
  });
});

describe("prune", () => {
  it("removes what is old, and never a call without its result, nor metadata", async () => {
    const path = join(folder, "prune.db");
    {
      await using storage = new SQLiteStorage(path);
      const session = new Session({ userId: "ada", sessionId: "s", storage, metadata: { title: "Drive" } });
      session.addUserMessage("one");
      session.addAssistantMessage([{ type: "tool-call", toolCallId: "c", toolName: "read", input: {} }]);
      session.addToolMessage([
        { type: "tool-result", toolCallId: "c", toolName: "read", output: { type: "text", value: "x" } },
      ]);
      await session.save();
    }
    const url = `sqlite:${path}`;
    // The newest one is the result: its call stays with it.
    const { stdout } = await rivetMemory(["prune", url, "--keep-last", "1", "--yes"]);
    expect(stdout).toBe("1 atoms removed, 0 of them because they had expired: 1 message_user.\n");
    const { messages, session } = JSON.parse((await rivetMemory(["show", url, "s", "--json"])).stdout);
    expect(messages.map((message: { role: string }) => message.role)).toEqual(["assistant", "tool"]);
    expect(session.metadata).toEqual({ title: "Drive" });
    expect((await rivetMemory(["prune", url, "--older-than", "90d", "--types", "log", "--yes"])).stdout).toMatch(
      /^0 atoms removed/,
    );
  });
});
