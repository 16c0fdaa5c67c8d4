import { atLength, linesUntilKilled, sharedServer } from "@rivet/local-servers";
import { randomInt } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readHeads } from "./stored-heads.ts";
import { runScript } from "./writer-process.ts";

const DATABASES = 2;
const KILLS_PER_DATABASE = atLength({ usually: 10, long: 50 });
const SESSIONS = ["session_a", "session_b", "session_c"];

describe("a writer that is killed with SIGKILL while it saves", () => {
  const server = sharedServer({ beforeAll, afterAll });
  const seed = randomInt(2 ** 31);
  console.log(`crash test: seed ${seed}`);
  const killAfterLines = fc.sample(fc.integer({ min: 1, max: 40 }), { numRuns: DATABASES * KILLS_PER_DATABASE, seed });

  it.concurrent.for(Array.from({ length: DATABASES }, (_, database) => database))(
    `loses and doubles nothing in ${KILLS_PER_DATABASE} kills (database %i)`,
    { timeout: 180_000 },
    async (database) => {
      const url = await server().createDatabase();
      const acknowledged = new Set<string>();
      for (let kill = 0; kill < KILLS_PER_DATABASE; kill++) {
        await writeUntilKilled(url, killAfterLines[database * KILLS_PER_DATABASE + kill] ?? 1, acknowledged);
        await assertIntact(url, acknowledged);
      }
      expect(acknowledged.size).toBeGreaterThan(KILLS_PER_DATABASE);
    },
  );
});

/** A line that was printed before the kill was acknowledged. */
async function writeUntilKilled(url: string, afterLines: number, acknowledged: Set<string>): Promise<void> {
  for (const line of await linesUntilKilled(runScript(url, "endless-writer.ts", SESSIONS), afterLines)) {
    for (const id of line.split(" ").slice(1)) acknowledged.add(id);
  }
}

async function assertIntact(url: string, acknowledged: ReadonlySet<string>): Promise<void> {
  const { stored, expected, atomIds } = await readHeads(url);
  expect(stored).toEqual(expected);
  const times = new Map<string, number>();
  for (const id of atomIds) times.set(id, (times.get(id) ?? 0) + 1);
  expect([...acknowledged].filter((id) => times.get(id) !== 1)).toEqual([]);
}
