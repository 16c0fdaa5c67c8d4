import { randomInt } from "node:crypto";
import { atLength, linesUntilKilled } from "@rivet/local-servers";
import Database from "better-sqlite3";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readHeads } from "./stored-heads.ts";
import { temporaryFile } from "./temporary-file.ts";
import { runScript } from "./writer-process.ts";

const FILES = 4;
const KILLS_PER_FILE = atLength({ usually: 10, long: 50 });
const SESSIONS = ["session_a", "session_b", "session_c"];

describe("a writer that is killed with SIGKILL while it saves", () => {
  const seed = randomInt(2 ** 31);
  console.log(`crash test: seed ${seed}`);
  const killAfterLines = fc.sample(fc.integer({ min: 1, max: 40 }), { numRuns: FILES * KILLS_PER_FILE, seed });

  it.concurrent.for(Array.from({ length: FILES }, (_, file) => file))(
    `loses and doubles nothing in ${KILLS_PER_FILE} kills (file %i)`,
    { timeout: 180_000 },
    async (file, { onTestFinished }) => {
      const path = await temporaryFile("memory.db", onTestFinished);
      const acknowledged = new Set<string>();
      for (let kill = 0; kill < KILLS_PER_FILE; kill++) {
        await writeUntilKilled(path, killAfterLines[file * KILLS_PER_FILE + kill] ?? 1, acknowledged);
        assertIntact(path, acknowledged);
      }
      expect(acknowledged.size).toBeGreaterThan(KILLS_PER_FILE);
    },
  );
});

/** A line that was printed before the kill was acknowledged. */
async function writeUntilKilled(path: string, afterLines: number, acknowledged: Set<string>): Promise<void> {
  for (const line of await linesUntilKilled(runScript("endless-writer.ts", [path, ...SESSIONS]), afterLines)) {
    for (const id of line.split(" ").slice(1)) acknowledged.add(id);
  }
}

function assertIntact(path: string, acknowledged: ReadonlySet<string>): void {
  const database = new Database(path);
  expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
  database.close();
  const { stored, expected, atomIds } = readHeads(path);
  expect(stored).toEqual(expected);
  const times = new Map<string, number>();
  for (const id of atomIds) times.set(id, (times.get(id) ?? 0) + 1);
  const wrong = [...acknowledged].filter((id) => times.get(id) !== 1);
  expect(wrong).toEqual([]);
}
