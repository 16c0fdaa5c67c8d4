/**
 * Saves turns to one session without end, over the providers and the journal of its arguments, and prints what happens:
 * `ready`; `at STORE` when another store accepts; `saves N` now and then; and on SIGTERM a summary. SIGUSR2 starts the
 * measurement of gaps anew.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { DatabaseManager } from "@rivet/db-manager";
import { Session } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { z } from "zod";
import { addTurn, USER } from "../workload.ts";

const writerSettings = z.object({
  providers: z.array(z.object({ name: z.string(), connectionString: z.string() })),
  journalPath: z.string(),
  dwellMs: z.number(),
});
export type WriterSettings = z.infer<typeof writerSettings>;

export const writerSummary = z.object({
  sessionId: z.string(),
  /** The ids of acknowledged messages, by the store that accepted them. */
  acknowledged: z.record(z.string(), z.array(z.string())),
  /** The ids of all messages that it made. */
  created: z.array(z.string()),
  /** Errors that reached the caller. */
  errors: z.array(z.string()),
  /** The longest time between two acknowledgements, and the stores that gave them. */
  longestGap: z.object({ ms: z.number(), from: z.string(), to: z.string() }),
});
export type WriterSummary = z.infer<typeof writerSummary>;

const WARM_UP_SAVES = 200;
const REPORT_EVERY = 20;

export async function write(argument: string): Promise<void> {
  const { providers, journalPath, dwellMs } = writerSettings.parse(JSON.parse(argument));
  const db = new DatabaseManager({ providers, journalPath, dwellMs });
  const storage = await new PostgresMemoryStorage({ db }).open();
  const session = new Session({ userId: USER, storage });
  const acknowledged: Record<string, string[]> = {};
  const errors: string[] = [];
  const none = { ms: 0, from: "", to: "" };
  let [place, saves, longestGap, lastMs] = ["", 0, none, performance.now()];
  let isEnding = false;
  process.on("SIGTERM", () => (isEnding = true));
  process.on("SIGUSR2", () => (longestGap = none));
  while (!isEnding) {
    addTurn(session);
    const ids = session.getRecentMessages(2).map(({ id }) => id);
    try {
      const { acceptedBy } = await session.save();
      const [nowMs, accepting] = [performance.now(), acceptedBy.join()];
      const ms = nowMs - lastMs;
      if (saves > WARM_UP_SAVES && ms > longestGap.ms) longestGap = { ms, from: place, to: accepting };
      lastMs = nowMs;
      (acknowledged[accepting] ??= []).push(...ids);
      if (accepting !== place) console.log(`at ${(place = accepting)}`);
    } catch (error) {
      errors.push(String(error));
    }
    saves += 1;
    if (saves === WARM_UP_SAVES) console.log("ready");
    if (saves % REPORT_EVERY === 0) console.log(`saves ${saves}`);
    // As an agent does, it leaves the event loop time for other things.
    await nextTurn();
  }
  await storage.close();
  await db.close();
  const created = [...session.history].map(({ id }) => id);
  const summary: WriterSummary = { sessionId: session.sessionId, acknowledged, created, errors, longestGap };
  console.log(JSON.stringify(summary));
}

if (process.argv[2] !== undefined && import.meta.filename === process.argv[1]) await write(process.argv[2]);
