import { startPostgres } from "@rivet/local-servers";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import type { Measure } from "../measure.ts";
import { appendToLongAndShort } from "../workload.ts";

/** The cost of an append does not depend on the length of the session. */
export async function saveToLongSessionInPostgres(): Promise<Measure> {
  await using server = await startPostgres({ settings: { max_wal_size: "4GB" } });
  await using storage = new PostgresMemoryStorage({ connectionString: await server.createDatabase() });
  return {
    name: "PostgreSQL: append to a session of 100,000 messages",
    unit: "ms",
    ...(await appendToLongAndShort(storage)),
    bar: { kind: "at most", value: 1.2 },
    against: "append to a session of 100 messages",
  };
}
