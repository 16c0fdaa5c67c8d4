import { join } from "node:path";
import { Session } from "@rivet/memory-core";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { medianTimes, type Measure } from "../measure.ts";
import { addTurn, appendToLongAndShort, inTemporaryFolder, saveTurn, USER } from "../workload.ts";

const SESSIONS = 64;

/** 64 sessions that save at once, against the same one after the other. */
export function saveAtOnce(): Promise<Measure> {
  return inTemporaryFolder(async (folder) => {
    await using storage = await new SQLiteStorage(join(folder, "ours.db")).open();
    const sessions = Array.from({ length: SESSIONS }, () => new Session({ userId: USER, storage }));
    const times = await medianTimes({
      ours: () => Promise.all(sessions.map(saveTurn)),
      reference: async () => {
        for (const session of sessions) {
          addTurn(session);
          await session.save();
        }
      },
      rounds: 60,
    });
    const ours = (SESSIONS / times.ours) * 1_000;
    const reference = (SESSIONS / times.reference) * 1_000;
    return {
      name: "SQLite: 64 sessions saving at once",
      unit: "turns/s",
      ours,
      reference,
      ratio: ours / reference,
      bar: { kind: "at least", value: 3.5 },
      against: "the same sessions, one save after the other",
    };
  });
}

/** The cost of an append does not depend on the length of the session. */
export function saveToLongSession(): Promise<Measure> {
  return inTemporaryFolder(async (folder) => {
    await using storage = await new SQLiteStorage(join(folder, "ours.db")).open();
    const times = await appendToLongAndShort(storage);
    return {
      name: "SQLite: append to a session of 100,000 messages",
      unit: "ms",
      ...times,
      bar: { kind: "at most", value: 1.2 },
      against: "append to a session of 100 messages",
    };
  });
}
