import { medianTimes, type Measure } from "../measure.ts";
import { withPostgres } from "../with-postgres.ts";
import { sessionOf } from "../workload.ts";

/** All of a session, and its end. */
export function loadFromPostgres(): Promise<Measure[]> {
  return withPostgres(async ({ storage, bare }) => {
    const { sessionId } = await sessionOf(storage, 1_000);
    // As autovacuum does within a minute: without statistics either side is planned for a handful of rows.
    await storage.db.query("ANALYZE");
    const all = await medianTimes({
      ours: () => storage.loadSession(sessionId),
      reference: () => bare.loadMessages(sessionId),
      rounds: 300,
    });
    const last = await medianTimes({
      ours: () => storage.loadSession(sessionId, { lastMessages: 20 }),
      reference: () => bare.loadLastMessages(sessionId, 20),
      rounds: 2_000,
    });
    const bar = { kind: "at most", value: 1.25 } as const;
    const against = "a bare SELECT of the same rows with pg, named statement";
    return [
      { name: "PostgreSQL: load 1,000 messages", unit: "ms", ...all, bar, against },
      { name: "PostgreSQL: load the last 20 of 1,000 messages", unit: "ms", ...last, bar, against },
    ];
  });
}
