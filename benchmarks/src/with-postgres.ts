import { startPostgres } from "@rivet/local-servers";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { BarePostgres } from "./bare-postgres.ts";

/** Ours and the reference, in one database of a server of their own. */
export interface PostgresPair {
  readonly storage: PostgresMemoryStorage;
  readonly bare: BarePostgres;
  readonly url: string;
}

export async function withPostgres<Result>(work: (pair: PostgresPair) => Promise<Result>): Promise<Result> {
  await using server = await startPostgres({ settings: { max_wal_size: "4GB" } });
  const url = await server.createDatabase();
  await using storage = await new PostgresMemoryStorage({ connectionString: url }).open();
  const bare = new BarePostgres(url);
  await bare.createTable();
  try {
    return await work({ storage, bare, url });
  } finally {
    await bare.close();
  }
}
