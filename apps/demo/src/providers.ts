import { startPostgres, type PostgresServer } from "@rivet/local-servers";

export const PROVIDERS = ["neon", "supabase", "railway"] as const;
export type ProviderName = (typeof PROVIDERS)[number];

/** Three PostgreSQL servers, each by itself, which end with the demo. */
export class ProviderServers implements AsyncDisposable {
  readonly #servers: ReadonlyMap<ProviderName, PostgresServer>;
  readonly urls: Readonly<Record<ProviderName, string>>;

  private constructor(
    servers: ReadonlyMap<ProviderName, PostgresServer>,
    urls: Readonly<Record<ProviderName, string>>,
  ) {
    this.#servers = servers;
    this.urls = urls;
  }

  static async start(): Promise<ProviderServers> {
    const [neon, supabase, railway] = await Promise.all([startPostgres(), startPostgres(), startPostgres()]);
    const servers = new Map<ProviderName, PostgresServer>([
      ["neon", neon],
      ["supabase", supabase],
      ["railway", railway],
    ]);
    const urls = {
      neon: await neon.createDatabase(),
      supabase: await supabase.createDatabase(),
      railway: await railway.createDatabase(),
    };
    return new ProviderServers(servers, urls);
  }

  /** Ends their processes as a power cut would. */
  async kill(...names: readonly ProviderName[]): Promise<void> {
    await Promise.all(names.map((name) => this.#servers.get(name)?.stop("kill")));
  }

  async bringBack(...names: readonly ProviderName[]): Promise<void> {
    await Promise.all(names.map((name) => this.#servers.get(name)?.start()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server[Symbol.asyncDispose]()));
  }
}
