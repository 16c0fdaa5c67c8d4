import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rivetMemory } from "./cli.ts";

let folder = "";
let url = "";

const NESTED = "[".repeat(200_000) + "]".repeat(200_000);

/** Rows that no client of the package writes: what another client, or an older one, has left in a store. */
const CHANGES: readonly (readonly [name: string, sql: string, value: string | bigint])[] = [
  ["deep-content", "UPDATE session_memories SET content = ? WHERE session_id = ?", NESTED],
  ["deep-metadata", "UPDATE session_memories SET metadata = ? WHERE session_id = ?", `{"a":${NESTED}}`],
  ["late-atom", "UPDATE session_memories SET created_at = ? WHERE session_id = ?", 9_000_000_000_000_000n],
  ["late-expiry", "UPDATE session_memories SET expires_at = ? WHERE session_id = ?", 9_000_000_000_000_000n],
  ["deep-head", "UPDATE session_heads SET metadata = ? WHERE session_id = ?", `{"a":${NESTED}}`],
  ["late-head", "UPDATE session_heads SET created_at = ? WHERE session_id = ?", 9_000_000_000_000_000n],
  ["long-type", "UPDATE session_memories SET memory_type = ? WHERE session_id = ?", "x".repeat(5_000)],
];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivet-out-of-bounds-"));
  const path = join(folder, "agent.db");
  url = `sqlite:${path}`;
  await using storage = new SQLiteStorage(path);
  for (const sessionId of ["good", ...CHANGES.map(([name]) => name)])
    await storage.saveMemoryAtom({ sessionId, userId: "ada", memoryType: "log", content: sessionId });
  const database = new Database(path);
  for (const [name, sql, value] of CHANGES) database.prepare(sql).run(value, name);
  database.close();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("rows that are out of bounds", () => {
  it("hide no session from a list, and show what is wrong with theirs", async () => {
    const { exitCode, stdout, stderr } = await rivetMemory(["sessions", url, "--json"]);
    expect(exitCode, stderr).toBe(0);
    const sessions: { sessionId: string; unreadable?: unknown }[] = JSON.parse(stdout);
    expect(sessions).toHaveLength(CHANGES.length + 1);
    const unreadable = sessions.filter((session) => session.unreadable !== undefined);
    expect(unreadable.map(({ sessionId }) => sessionId).toSorted()).toEqual(["deep-head", "late-head"]);
    expect((await rivetMemory(["sessions", url])).exitCode).toBe(0);
  });

  it.each(CHANGES.map(([name]) => [name]))("let %s be shown", async (name) => {
    const run = await rivetMemory(["show", url, name, "--atoms"]);
    expect(run.stderr).not.toContain("RangeError");
    expect(run.exitCode).toBeOneOf([0, 5]);
  });

  it("are left out of an export one by one, which names them", async () => {
    const file = join(folder, "all.jsonl");
    const { exitCode, stderr, stdout } = await rivetMemory(["export", url, file, "--json"]);
    expect(exitCode, stderr).toBe(5);
    const { leftOut, facts } = JSON.parse(stdout);
    expect(leftOut.map(({ sessionId }: { sessionId: string }) => sessionId).toSorted()).toEqual([
      "deep-content",
      "deep-metadata",
    ]);
    expect(facts).toBe(CHANGES.length - 1);
    expect((await rivetMemory(["import", file, `sqlite:${join(folder, "copy.db")}`])).exitCode).toBeOneOf([0, 1]);
  });

  it("end neither prune nor verify nor a copy", async () => {
    for (const arguments_ of [
      ["prune", url, "--older-than", "90d", "--yes"],
      ["verify", url, url],
      ["copy", url, `sqlite:${join(folder, "copied.db")}`],
      ["doctor", url],
    ]) {
      const run = await rivetMemory(arguments_);
      expect(run.stderr, arguments_[0]).not.toMatch(/RangeError|stack/);
      expect(run.exitCode, `${arguments_[0]}: ${run.stderr}`).toBeOneOf([0, 1]);
    }
  });
});
