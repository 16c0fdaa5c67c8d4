import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import Database from "better-sqlite3";
import { medianTimes, type Measure } from "../measure.ts";
import { fill, inTemporaryFolder, USER } from "../workload.ts";

const SESSIONS = 10_000;
const ATOMS_PER_SESSION = 100;

/** Two measures on one file of a million atoms, which takes a while to fill. */
export function amongMillionAtoms(): Promise<Measure[]> {
  return inTemporaryFolder(async (folder) => {
    const path = join(folder, "ours.db");
    await using storage = await new SQLiteStorage(path, { durability: "normal" }).open();
    await fill(storage, SESSIONS, ATOMS_PER_SESSION);
    return [await listPage(storage, path), streamAll(path)];
  });
}

async function listPage(storage: SQLiteStorage, path: string): Promise<Measure> {
  const database = new Database(path, { readonly: true });
  const select = database.prepare("SELECT * FROM session_heads WHERE user_id = ? ORDER BY last_atom_id DESC LIMIT ?");
  const times = await medianTimes({
    ours: () => storage.listSessions({ userId: USER, limit: 50 }),
    reference: () => select.all(USER, 50),
    rounds: 300,
    perRound: 10,
  });
  database.close();
  return {
    name: "SQLite: list 50 of 10,000 sessions among 1 million atoms",
    unit: "ms",
    ...times,
    bar: { kind: "at most", value: 2 },
    against: "the bare indexed query of the same rows, with nothing parsed",
  };
}

/** Resident memory that a stream of everything adds at its peak, in a fresh process. */
function streamAll(path: string): Measure {
  const script = join(import.meta.dirname, "..", "stream-process.ts");
  const output = execFileSync(process.execPath, [...process.execArgv, script, path], { encoding: "utf8" });
  const { atoms, addedMegabytes } = JSON.parse(output);
  if (atoms !== SESSIONS * ATOMS_PER_SESSION) throw new Error(`streamed ${atoms} atoms`);
  return {
    name: "SQLite: stream 1 million atoms, added resident memory",
    unit: "MB",
    ours: addedMegabytes,
    reference: 100,
    ratio: addedMegabytes / 100,
    bar: { kind: "at most", value: 1 },
    against: "the bound of 100 MB",
  };
}
