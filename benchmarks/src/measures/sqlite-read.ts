import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { HandWrittenSQLite } from "../hand-written-sqlite.ts";
import { medianTimes, type Measure } from "../measure.ts";
import { fill, inTemporaryFolder, sessionOf, USER } from "../workload.ts";

export function loadThousand(): Promise<Measure> {
  return inTemporaryFolder(async (folder) => {
    const path = join(folder, "ours.db");
    await using storage = await new SQLiteStorage(path).open();
    const { sessionId } = await sessionOf(storage, 1_000);
    const reference = new HandWrittenSQLite(path);
    const times = await medianTimes({
      ours: () => storage.loadSession(sessionId),
      reference: () => reference.loadMessages(sessionId),
      rounds: 300,
    });
    reference.close();
    return {
      name: "SQLite: load 1,000 messages",
      unit: "ms",
      ...times,
      bar: { kind: "at most", value: 1.5 },
      against: "hand-written all() and JSON.parse",
    };
  });
}

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
  const reference = new HandWrittenSQLite(path);
  const times = await medianTimes({
    ours: () => storage.listSessions({ userId: USER, limit: 50 }),
    reference: () => reference.listSessions(50),
    rounds: 300,
    perRound: 10,
  });
  reference.close();
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
