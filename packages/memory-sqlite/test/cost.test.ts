import { readFileSync } from "node:fs";
import { AtomClock, Session, type AtomRow } from "@rivet/memory-core";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { append, remove } from "../src/append.ts";
import { MIGRATIONS, OWNER_FUNCTION } from "../src/file/migrations.ts";
import { Statements } from "../src/statements.ts";
import { temporaryFile } from "./temporary-file.ts";

describe("a commit", () => {
  it("is one for all saves that arrive together, and one for each that comes alone", async () => {
    const path = await temporaryFile();
    await using storage = await new SQLiteStorage(path).open();
    const sessions = Array.from({ length: 64 }, () => new Session({ userId: "ada", storage }));
    const atStart = commitsInLog(path);
    await Promise.all(sessions.map((session) => session.save()));
    expect(commitsInLog(path) - atStart).toBe(1);
    for (const session of sessions.slice(0, 5)) {
      session.addUserMessage("alone");
      await session.save();
    }
    expect(commitsInLog(path) - atStart).toBe(6);
  });
});

describe("every statement but those over all users", () => {
  it("finds its rows by an index, and sorts none", () => {
    const executed: string[] = [];
    const watched = new Database(":memory:", { verbose: (sql) => executed.push(String(sql)) });
    watched.function(OWNER_FUNCTION, String);
    watched.exec(MIGRATIONS.join("\n"));
    executed.length = 0;
    useEveryStatement(new Statements(watched));

    expect(executed.length).toBeGreaterThan(30);
    const plans = executed.flatMap((sql) => {
      const steps = watched.prepare<[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all();
      return steps.map(({ detail }) => `${detail} ← ${sql}`);
    });
    const slow = plans.filter((plan) => /^SCAN (session_|\S+ USING)|TEMP B-TREE/.test(plan));
    watched.close();
    expect(slow).toEqual([]);
  });
});

function useEveryStatement(statements: Statements): void {
  const clock = new AtomClock();
  const row = (memoryType: string): AtomRow => ({
    sessionId: "s",
    id: clock.next(),
    userId: "ada",
    memoryType,
    content: memoryType === "session_metadata" ? '{"set":{"a":1},"removed":[]}' : "1",
    metadata: "{}",
    createdAtMs: 0,
    expiresAtMs: null,
  });
  const rows = [row("session_metadata"), row("message_user"), row("decision"), row("log")];
  append(statements, { rows }, 0);
  append(statements, { rows }, 0);
  const id = rows[1]?.id ?? "";
  const bounds = { beforeId: id, afterId: id };
  statements.selectMessages("s", id);
  statements.selectLastMessages("s", 10);
  for (const order of ["newest-first", "oldest-first"] as const) {
    statements.selectAtoms({ sessionId: "s", order, limit: 10 });
    statements.selectAtoms({ sessionId: "s", userId: "ada", ...bounds, order, limit: 10 });
    statements.selectAtoms({ sessionId: "s", memoryTypes: ["decision", "message_user"], order, limit: 10 });
    statements.selectAtoms({ userId: "ada", order, limit: 10 });
    statements.selectAtoms({ userId: "ada", memoryTypes: ["decision"], ...bounds, order, limit: 10 });
    statements.selectAtoms({ userId: "ada", memoryTypes: ["message_user", "log"], order, limit: 10 });
  }
  statements.selectAtoms({ sessionId: "s", unexpiredAtMs: 1, createdBeforeMs: 1, order: "newest-first", limit: 10 });
  statements.selectAtoms({ userId: "ada", unexpiredAtMs: 1, order: "newest-first", limit: 10 });
  const after = { expiresAtMs: 0, sessionId: "s", id, memoryType: "log" };
  statements.selectExpired({ atMs: 1, limit: 10 });
  statements.selectExpired({ atMs: 1, userId: "ada", sessionId: "s", after, limit: 10 });
  statements.selectHeads({ order: "recent-first", userId: "ada", beforeId: id, limit: 10 });
  statements.selectHeads({ order: "session-id", afterSessionId: "a", limit: 10 });
  append(statements, { rows: [], session: { sessionId: "s", userId: "ada", clearThroughId: id } }, 0);
  remove(statements, { scope: "atoms", sessionId: "s", ids: [rows[0]?.id ?? "", rows[3]?.id ?? ""] }, 0);
  remove(statements, { scope: "user", userId: "ada" }, 0);
  statements.selectOwners({ sessionId: "s", id });
  statements.hasTombstones("s");
}

/** Counts the commits in the write-ahead log. The last frame of a commit contains the size of the database. */
function commitsInLog(path: string): number {
  const log = readFileSync(`${path}-wal`);
  const headerBytes = 32;
  const frameBytes = 24 + log.readUInt32BE(8);
  let commits = 0;
  for (let offset = headerBytes; offset + frameBytes <= log.length; offset += frameBytes) {
    if (log.readUInt32BE(offset + 4) !== 0) commits += 1;
  }
  return commits;
}
