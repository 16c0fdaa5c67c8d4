import { execFile, spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { json } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { startPostgres } from "@rivet/local-servers";
import { verify } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { BULK_ROWS, bulkInsertRate } from "../bulk-insert.ts";
import type { Measure } from "../measure.ts";
import { ROOT, runPnpm } from "../pnpm.ts";
import { seededRandom } from "@rivet/local-servers/seeded-random";
import { fill, inTemporaryFolder } from "../workload.ts";

const SESSIONS = 10_000;
const ATOMS_PER_SESSION = 100;
const ATOMS = SESSIONS * ATOMS_PER_SESSION;
const PROGRAM = join(ROOT, "packages", "memory-cli", "dist", "main.js");
/** Copies that are killed, each at some time in its first seconds, and begun anew. */
const KILLS = 3;
const LATEST_KILL_MS = 8_000;

/** A million atoms from SQLite to PostgreSQL: how fast, and in how much memory; and once more, killed on the way. */
export function copyLargeFile(): Promise<Measure[]> {
  return inTemporaryFolder(async (folder) => {
    await runPnpm(["exec", "turbo", "run", "build", "--filter=@rivet/memory-cli"]);
    const path = join(folder, "laptop.db");
    {
      await using storage = await new SQLiteStorage(path, { durability: "normal" }).open();
      await fill(storage, SESSIONS, ATOMS_PER_SESSION);
    }
    await using server = await startPostgres({ settings: { max_wal_size: "4GB" } });
    const { copied, tookMs, residentMegabytes } = await copy(path, await server.createDatabase());
    if (copied !== ATOMS) throw new Error(`${copied} of ${ATOMS} atoms were copied`);
    const killed = await server.createDatabase();
    const seed = Date.now() % 1_000_000;
    console.error(`copy: killed at times of seed ${seed}`);
    const random = seededRandom(seed);
    for (let kill = 0; kill < KILLS; kill++) await copyUntilKilled(path, killed, random() * LATEST_KILL_MS);
    await copy(path, killed);
    await assertEqual(path, killed);
    const ours = (ATOMS * 1_000) / tookMs;
    const reference = await bulkInsertRate(killed, ATOMS / BULK_ROWS);
    return [
      {
        name: "Copy 1 million atoms from SQLite to PostgreSQL",
        unit: "atoms/s",
        ours,
        reference,
        ratio: ours / reference,
        bar: { kind: "at least", value: 0.5 },
        against: "bare INSERTs with pg of 1,000 rows each into the same table",
      },
      {
        name: "The same: resident memory",
        unit: "MB",
        ours: residentMegabytes,
        reference: 150,
        ratio: residentMegabytes / 150,
        bar: { kind: "at most", value: 1 },
        against: "the bound of 150 MB",
      },
    ];
  });
}

interface Copied {
  readonly copied: number;
  readonly tookMs: number;
  readonly residentMegabytes: number;
}

/** The program as its users have it: built. */
function start(path: string, url: string): ChildProcessByStdio<null, Readable, null> {
  const arguments_ = [PROGRAM, "copy", `sqlite:${path}`, url, "--json"];
  return spawn(process.execPath, arguments_, { stdio: ["ignore", "pipe", "inherit"] });
}

async function copy(path: string, url: string): Promise<Copied> {
  const startMs = performance.now();
  const child = start(path, url);
  let residentKibibytes = 0;
  const look = setInterval(() => {
    execFile("ps", ["-o", "rss=", "-p", String(child.pid)], (_, text) => {
      residentKibibytes = Math.max(residentKibibytes, Number(text));
    });
  }, 100);
  const { copied } = (await json(child.stdout)) as { copied: number };
  clearInterval(look);
  return { copied, tookMs: performance.now() - startMs, residentMegabytes: (residentKibibytes * 1_024) / 1e6 };
}

async function copyUntilKilled(path: string, url: string, afterMs: number): Promise<void> {
  const child = start(path, url);
  const exit = once(child, "exit");
  await delay(afterMs);
  child.kill("SIGKILL");
  await exit;
}

async function assertEqual(path: string, connectionString: string): Promise<void> {
  await using source = new SQLiteStorage(path);
  await using target = new PostgresMemoryStorage({ connectionString });
  for await (const difference of verify(source, target))
    throw new Error(`a copy that was killed differs: ${JSON.stringify(difference)}`);
}
