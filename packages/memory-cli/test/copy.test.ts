import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { sharedServer } from "@rivet/local-servers";
import { AtomClock, replicate } from "@rivet/memory-core";
import { InMemoryStorage } from "@rivet/memory-inmemory";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { countFacts, countMissing } from "../src/storage/fact-count.ts";
import { rivetMemory, start } from "./cli.ts";

const server = sharedServer({ beforeAll, afterAll });

const SESSIONS = 200;
const ATOMS = 100;

describe("a copy that is killed on the way", () => {
  it("goes on when it is run again, and ends with no difference", { timeout: 90_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), "rivet-copy-"));
    const path = join(folder, "laptop.db");
    {
      const clock = new AtomClock();
      await using storage = new SQLiteStorage(path, { durability: "normal" });
      for (let session = 0; session < SESSIONS; session++) {
        await storage.saveMemoryAtoms(
          Array.from({ length: ATOMS }, (_, index) => ({
            id: clock.next(),
            sessionId: `session ${session}`,
            userId: "ada",
            memoryType: "log",
            content: { index, text: "The drive trips. ".repeat(10) },
          })),
        );
      }
    }
    const url = await server().createDatabase();
    const database = new URL(url).pathname.slice(1);
    const count = async (): Promise<number> => {
      const rows = await server().query("SELECT count(*)::integer AS count FROM session_memories", [], database);
      return Number(rows[0]?.["count"]);
    };
    await rivetMemory(["migrate", url]);
    // Each is killed as soon as it has brought more.
    for (const least of [500, 4_000, 9_000]) {
      const child = start(["copy", `sqlite:${path}`, url]);
      const exit = once(child, "exit");
      while ((await count()) < least && child.exitCode === null) await new Promise(setImmediate);
      child.kill("SIGKILL");
      await exit;
    }
    expect(await count()).toBeLessThan(SESSIONS * ATOMS);
    const last = await rivetMemory(["copy", `sqlite:${path}`, url, "--json"]);
    expect(JSON.parse(last.stdout).copied).toBeLessThan(SESSIONS * ATOMS - 9_000 + 1);
    expect(await rivetMemory(["verify", `sqlite:${path}`, url])).toMatchObject({
      exitCode: 0,
      stdout: "They are equal.\n",
    });
    await rm(folder, { recursive: true, force: true });
  });

  it("ends cleanly at Ctrl-C, and says how to go on", async () => {
    const folder = await mkdtemp(join(tmpdir(), "rivet-interrupt-"));
    const path = join(folder, "a.db");
    {
      await using storage = new SQLiteStorage(path, { durability: "normal" });
      await storage.saveMemoryAtoms(
        Array.from({ length: 20_000 }, (_, index) => ({
          sessionId: `s ${index % 2_000}`,
          userId: "ada",
          memoryType: "log",
          content: index,
        })),
      );
    }
    const url = await server().createDatabase();
    await rivetMemory(["migrate", url]);
    const database = new URL(url).pathname.slice(1);
    const child = start(["copy", `sqlite:${path}`, url]);
    const exit = once(child, "exit");
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
    for (let rows = 0; rows === 0;) {
      const [row] = await server().query("SELECT count(*)::integer AS count FROM session_memories", [], database);
      rows = Number(row?.["count"]);
    }
    child.kill("SIGINT");
    expect(await exit).toEqual([130, null]);
    expect(said).toContain("run the same command again to go on from there");
    await rm(folder, { recursive: true, force: true });
  });
});

describe("what there is to do", () => {
  it("is what the source holds, and for a copy what the target lacks of it", async () => {
    const { signal } = new AbortController();
    const [source, target] = [new InMemoryStorage(), new InMemoryStorage()];
    const log = { userId: "ada", memoryType: "log", content: 1 };
    const sessions = Array.from({ length: 600 }, (_, index) => ({ ...log, sessionId: `s ${index}` }));
    const [first] = await source.saveMemoryAtoms(sessions);
    expect(await countMissing(source, target, signal)).toBe(600);
    await replicate(source, target);
    await source.saveMemoryAtoms(sessions.slice(0, 7));
    await source.deleteMemoryAtoms("s 0", [first?.id ?? ""]);
    await target.saveMemoryAtom({ ...log, sessionId: "s 1" });
    await target.saveMemoryAtom({ ...log, sessionId: "its own" });
    expect(await countFacts(source, signal)).toBe(607);
    expect(await countMissing(source, target, signal)).toBe(5);
  });
});

describe("what only looks", () => {
  it("makes no tables, and says what is missing", async () => {
    const url = await server().createDatabase();
    for (const arguments_ of [
      ["sessions", url],
      ["export", url, "-"],
      ["verify", url, url],
      ["erase", url, "--user", "ada", "--dry-run"],
    ]) {
      const run = await rivetMemory(arguments_);
      expect(run).toMatchObject({ exitCode: 4, stdout: "", stderr: expect.stringMatching(/no tables.*\(schema\)/) });
    }
    const found = await server().query("SELECT to_regclass('rivet_store') AS made", [], new URL(url).pathname.slice(1));
    expect(found).toEqual([{ made: null }]);
  });
});
