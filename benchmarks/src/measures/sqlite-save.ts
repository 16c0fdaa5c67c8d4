import { join } from "node:path";
import { Session } from "@rivet/memory-core";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { HandWrittenSQLite } from "../hand-written-sqlite.ts";
import { medianTimes, type Measure } from "../measure.ts";
import { addTurn, appendToLongAndShort, inTemporaryFolder, saveTurn, sessionOf, USER } from "../workload.ts";

/** One turn after another, each durable before the next. */
export function saveTurnToSQLite(): Promise<Measure> {
  return inTemporaryFolder(async (folder) => {
    await using storage = await new SQLiteStorage(join(folder, "ours.db")).open();
    await (await new SQLiteStorage(join(folder, "reference.db")).open()).close();
    const reference = new HandWrittenSQLite(join(folder, "reference.db"));
    const session = await sessionOf(storage, 2);
    const times = await medianTimes({
      ours: () => saveTurn(session),
      reference: () => reference.saveTurn("session_reference"),
      rounds: 2_000,
    });
    reference.close();
    return {
      name: "SQLite: save one turn, durable",
      unit: "ms",
      ...times,
      bar: { kind: "at most", value: 1.3 },
      against: "hand-written better-sqlite3, same tables, synchronous = FULL",
    };
  });
}

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
