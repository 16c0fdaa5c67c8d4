import { Session } from "@rivet/memory-core";
import { MastraThread } from "../mastra-postgres.ts";
import { medianTimes, type Measure } from "../measure.ts";
import { withPostgres } from "../with-postgres.ts";
import { appendToLongAndShort, saveTurn, sessionOf, USER } from "../workload.ts";

/** One turn after another, against the bare INSERT. */
export function saveTurnToPostgres(): Promise<Measure> {
  return withPostgres(async ({ storage, bare }) => {
    const session = await sessionOf(storage, 2);
    const times = await medianTimes({
      ours: () => saveTurn(session),
      reference: () => bare.saveTurn("session_reference"),
      rounds: 2_000,
    });
    return {
      name: "PostgreSQL: save one turn",
      unit: "ms",
      ...times,
      bar: { kind: "at most", value: 1.4 },
      against: "a bare two-row INSERT with pg, named statement, one table with its primary key",
    };
  });
}

export function saveTurnBesideMastra(): Promise<Measure> {
  return withPostgres(async ({ storage, url }) => {
    const session = await sessionOf(storage, 2);
    const mastra = new MastraThread(url);
    await mastra.open();
    const { ours, reference } = await medianTimes({
      ours: () => saveTurn(session),
      reference: () => mastra.saveTurn(),
      rounds: 2_000,
    });
    await mastra.close();
    return {
      name: "PostgreSQL: save one turn, how much faster",
      unit: "ms",
      ours,
      reference,
      ratio: reference / ours,
      bar: { kind: "at least", value: 2 },
      against: "Mastra's saveMessages (@mastra/pg 1.27)",
    };
  });
}

const SESSIONS = 64;
const TURNS = 20;

/** 64 sessions that save turn after turn, all at once. */
export function saveAtOnceToPostgres(): Promise<Measure> {
  return withPostgres(async ({ storage, bare }) => {
    const sessions = Array.from({ length: SESSIONS }, () => new Session({ userId: USER, storage }));
    const everyone = (save: (session: Session) => Promise<unknown>) => () =>
      Promise.all(
        sessions.map(async (session) => {
          for (let turn = 0; turn < TURNS; turn++) await save(session);
        }),
      );
    const times = await medianTimes({
      ours: everyone(saveTurn),
      reference: everyone(({ sessionId }) => bare.saveTurn(sessionId)),
      rounds: 20,
    });
    const [ours, reference] = [times.ours, times.reference].map((ms) => (SESSIONS * TURNS * 1_000) / ms);
    if (ours === undefined || reference === undefined) throw new Error("nothing was measured");
    return {
      name: "PostgreSQL: 64 sessions saving at once",
      unit: "turns/s",
      ours,
      reference,
      ratio: ours / reference,
      bar: { kind: "at least", value: 2 },
      against: "bare two-row INSERTs with pg through a pool of 10, named statement",
    };
  });
}

/** The cost of an append does not depend on the length of the session. */
export function saveToLongSessionInPostgres(): Promise<Measure> {
  return withPostgres(async ({ storage }) => {
    const times = await appendToLongAndShort(storage);
    return {
      name: "PostgreSQL: append to a session of 100,000 messages",
      unit: "ms",
      ...times,
      bar: { kind: "at most", value: 1.2 },
      against: "append to a session of 100 messages",
    };
  });
}
