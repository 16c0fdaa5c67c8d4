import { DatabaseManager } from "@rivet/db-manager";
import { startPostgres, type PostgresServer } from "@rivet/local-servers";
import { PostgresMemoryStorage, type PostgresMemoryStorageOptions } from "@rivet/memory-postgres";

const DATABASE = "bench";

export interface BenchProvider {
  readonly name: string;
  readonly server: PostgresServer;
  readonly url: string;
}

export class BenchProviders implements AsyncDisposable {
  readonly all: readonly BenchProvider[];

  private constructor(all: readonly BenchProvider[]) {
    this.all = all;
  }

  static async start(...names: readonly string[]): Promise<BenchProviders> {
    const started = names.map(async (name) => {
      const server = await startPostgres({ settings: { max_wal_size: "4GB" } });
      return { name, server, url: await server.createDatabase(DATABASE) };
    });
    return new BenchProviders(await Promise.all(started));
  }

  /** A storage over all of them. */
  async storage(options: PostgresMemoryStorageOptions = {}): Promise<PostgresMemoryStorage> {
    const providers = this.all.map(({ name, url }) => ({ name, connectionString: url }));
    const db = new DatabaseManager({ providers, dwellMs: 1, longestProbeDelayMs: 250 });
    return new PostgresMemoryStorage({ db, local: false, ...options }).open();
  }

  provider(name: string): BenchProvider {
    const found = this.all.find((provider) => provider.name === name);
    if (found === undefined) throw new TypeError(`there is no ${name}`);
    return found;
  }

  query(name: string, text: string): Promise<Record<string, unknown>[]> {
    return this.provider(name).server.query(text, [], DATABASE);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { server } of this.all) await server[Symbol.asyncDispose]();
  }
}
