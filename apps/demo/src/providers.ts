import { startPostgres, startProxy, type PostgresServer, type TcpProxy } from "@rivet/local-servers";

export const PROVIDERS = ["neon", "supabase", "railway"] as const;
export type ProviderName = (typeof PROVIDERS)[number];

interface Provider {
  readonly server: PostgresServer;
  /** The network before it. */
  readonly proxy: TcpProxy;
  /** Its own address, around the network. */
  readonly url: string;
}

/** Three PostgreSQL servers, each by itself, which end with the demo. */
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

  /** The addresses of an application. */
  get addresses(): { name: ProviderName; connectionString: string }[] {
    return [...this.#providers].map(([name, { proxy, url }]) => ({ name, connectionString: proxy.url(url) }));
  }

  /** The addresses of somebody who looks into each server. */
  get urls(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#providers].map(([name, { url }]) => [name, url]));
  }

  /** Ends its processes as a power cut would. */
  async kill(name: ProviderName): Promise<void> {
    await this.#providers.get(name)?.server.stop("kill");
  }

  /** Stops its processes where they are: it is silent, and its connections stay open. */
  async pause(name: ProviderName): Promise<void> {
    await this.#providers.get(name)?.server.pause();
  }

  /** What is sent to it vanishes, and nothing is ever closed. */
  cutOff(name: ProviderName): void {
    this.#providers.get(name)?.proxy.setMode("black-hole");
  }

  /** Starts it again if it does not run, lets it go on if it was paused, and mends its network. */
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
