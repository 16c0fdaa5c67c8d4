import { startPostgres, startProxy, type PostgresServer, type TcpProxy } from "@rivet/local-servers";

export const PROVIDERS = ["neon", "supabase", "railway"] as const;
export type ProviderName = (typeof PROVIDERS)[number];

interface Provider {
  readonly server: PostgresServer;
  /** The network in front of it. */
  readonly proxy: TcpProxy;
  /** Its direct address, which bypasses the proxy. */
  readonly url: string;
}

/** Three independent PostgreSQL servers, which end with the demo. */
export class ProviderServers implements AsyncDisposable {
  readonly #providers: ReadonlyMap<ProviderName, Provider>;

  private constructor(providers: ReadonlyMap<ProviderName, Provider>) {
    this.#providers = providers;
  }

  static async start(): Promise<ProviderServers> {
    const started = PROVIDERS.map(async (name): Promise<[ProviderName, Provider]> => {
      const server = await startPostgres();
      return [name, { server, proxy: await startProxy(server), url: await server.createDatabase() }];
    });
    return new ProviderServers(new Map(await Promise.all(started)));
  }

  /** The addresses for the application, through the proxies. */
  get addresses(): { name: ProviderName; connectionString: string }[] {
    return [...this.#providers].map(([name, { proxy, url }]) => ({ name, connectionString: proxy.url(url) }));
  }

  /** The direct addresses, for reading each server. */
  get urls(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#providers].map(([name, { url }]) => [name, url]));
  }

  /** Kills its processes, like a power cut. */
  async kill(name: ProviderName): Promise<void> {
    await this.#providers.get(name)?.server.stop("kill");
  }

  /** Suspends its processes: the server is silent, and its connections stay open. */
  async pause(name: ProviderName): Promise<void> {
    await this.#providers.get(name)?.server.pause();
  }

  /** Drops all data sent to the server, without closing any connection. */
  cutOff(name: ProviderName): void {
    this.#providers.get(name)?.proxy.setMode("black-hole");
  }

  /** Restarts a stopped server, resumes a paused one, and restores its network. */
  async bringBack(name: ProviderName): Promise<void> {
    const provider = this.#providers.get(name);
    provider?.proxy.setMode("pass");
    provider?.server.resume();
    await provider?.server.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      [...this.#providers.values()].map(async ({ proxy, server }) => {
        await proxy[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
      }),
    );
  }
}
