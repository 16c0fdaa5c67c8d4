import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseManager, type DatabaseManagerOptions } from "@rivet/db-manager";
import { startProxy, type PostgresServer, type ProxyMode, type TcpProxy } from "@rivet/local-servers";
import { PostgresMemoryStorage, type PostgresMemoryStorageOptions } from "@rivet/memory-postgres";
import { onTestFinished } from "vitest";

export const NAMES = ["neon", "supabase", "railway"] as const;

/**
 * Longer than a machine takes that others keep busy: a provider that is well must not be taken for one that is silent.
 */
const TIMES = { connectTimeoutMs: 10_000, statementTimeoutMs: 4_000 };

/** Three providers, each a database of a server behind a proxy of its own. */
export class ThreeProviders {
  readonly urls: readonly string[];
  readonly #proxies: readonly TcpProxy[];
  readonly #storages: readonly PostgresMemoryStorage[];
  readonly #server: PostgresServer;

  private constructor(
    server: PostgresServer,
    urls: readonly string[],
    proxies: readonly TcpProxy[],
    storages: readonly PostgresMemoryStorage[],
  ) {
    this.urls = urls;
    this.#proxies = proxies;
    this.#storages = storages;
    this.#server = server;
  }

  static async start(server: PostgresServer): Promise<ThreeProviders> {
    const direct = await Promise.all(NAMES.map(() => server.createDatabase()));
    const proxies = await Promise.all(NAMES.map(() => startProxy(server)));
    const managers = direct.map(
      (connectionString) => new DatabaseManager({ providers: [{ name: "direct", connectionString, ...TIMES }] }),
    );
    const storages = managers.map((db) => new PostgresMemoryStorage({ db }));
    onTestFinished(async () => {
      for (const storage of storages) await storage.close();
      for (const db of managers) await db.close();
      for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
    });
    return new ThreeProviders(
      server,
      direct.map((url, index) => proxies[index]?.url(url) ?? ""),
      proxies,
      storages,
    );
  }

  cut(mode: ProxyMode, ...names: readonly string[]): void {
    for (const [index, name] of NAMES.entries()) if (names.includes(name)) this.#proxies[index]?.setMode(mode);
  }

  manager(options: Partial<DatabaseManagerOptions> = {}): DatabaseManager {
    const providers = NAMES.map((name, index) => ({ name, connectionString: this.urls[index] ?? "", ...TIMES }));
    const db = new DatabaseManager({ providers, dwellMs: 1_200, longestProbeDelayMs: 500, ...options });
    onTestFinished(() => db.close());
    return db;
  }

  async storage(
    options: PostgresMemoryStorageOptions = {},
    managerOptions: Partial<DatabaseManagerOptions> = {},
  ): Promise<PostgresMemoryStorage> {
    const storage = new PostgresMemoryStorage({ db: this.manager(managerOptions), ...options });
    onTestFinished(() => storage.close());
    return storage.open();
  }

  /** The storage of one provider alone, around all that may be cut. */
  at(name: (typeof NAMES)[number]): PostgresMemoryStorage {
    const storage = this.#storages[NAMES.indexOf(name)];
    if (storage === undefined) throw new Error(`there is no ${name}`);
    return storage;
  }

  /** The name of a provider's database. */
  database(name: (typeof NAMES)[number]): string {
    return new URL(this.urls[NAMES.indexOf(name)] ?? "").pathname.slice(1);
  }

  /** Keeps a copy of a provider as it is now. @returns puts the copy in its place. Both end its connections. */
  async backUp(name: (typeof NAMES)[number]): Promise<() => Promise<void>> {
    const database = this.database(name);
    const copy = `${database}_backup`;
    this.cut("refuse", name);
    let isCopied = false;
    // The copy keeps out who comes now, and waits for those who are there. One that was just connecting shows late.
    const endConnections = async (): Promise<void> => {
      const terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
      while (!isCopied) await this.#server.query(terminate, [database]);
    };
    const copying = this.#server.query(`CREATE DATABASE "${copy}" TEMPLATE "${database}" STRATEGY file_copy`);
    await Promise.all([copying.finally(() => (isCopied = true)), endConnections()]);
    this.cut("pass", name);
    return async () => {
      this.cut("refuse", name);
      await this.#server.query(`DROP DATABASE "${database}" WITH (FORCE)`);
      await this.#server.query(`ALTER DATABASE "${copy}" RENAME TO "${database}"`);
      this.cut("pass", name);
    };
  }

  /** The texts of a session's messages, at each provider. */
  async texts(sessionId: string): Promise<Record<string, unknown[] | undefined>> {
    const read = NAMES.map(async (name) => {
      const session = await this.at(name).loadSession(sessionId);
      return [name, session?.getRecentMessages(100).map(({ content }) => content)] as const;
    });
    return Object.fromEntries(await Promise.all(read));
  }
}

/** The path of a journal in a folder of its own. */
export function journalPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "rivet-journal-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "data", "local.db");
}
