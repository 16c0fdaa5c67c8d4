import { DatabaseManager } from "@rivet/db-manager";
import { startPostgres, startProxy, type PostgresServer, type TcpProxy } from "@rivet/local-servers";
import { PostgresMemoryStorage, type PostgresMemoryStorageOptions } from "@rivet/memory-postgres";

const DATABASE = "bench";

/** A server of its own, and a proxy in front of it. */
export interface BenchProvider {
  readonly name: string;
  readonly server: PostgresServer;
  readonly proxy: TcpProxy;
  /** Around the proxy. */
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
      return { name, server, proxy: await startProxy(server), url: await server.createDatabase(DATABASE) };
    });
    return new BenchProviders(await Promise.all(started));
  }

  /** A storage over all of them, which connects through the proxies. */
  async storage(options: PostgresMemoryStorageOptions = {}): Promise<PostgresMemoryStorage> {
    const providers = this.all.map(({ name, url, proxy }) => ({ name, connectionString: proxy.url(url) }));
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
    for (const { proxy, server } of this.all) {
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    }
  }
}
