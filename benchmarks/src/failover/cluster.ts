import { startPostgres, startProxy, type PostgresServer, type TcpProxy } from "@rivet/local-servers";
import type { WriterSettings } from "./writer-process.ts";

export const NAMES = ["neon", "supabase", "railway"] as const;
export type Name = (typeof NAMES)[number];

const DATABASE = "trials";

interface Member {
  readonly name: Name;
  readonly server: PostgresServer;
  readonly proxy: TcpProxy;
  readonly connectionString: string;
}

interface WriterNeeds {
  readonly dwellMs?: number | undefined;
  /** Whether it connects to the servers themselves: then a dead one's system refuses, and not a proxy. */
  readonly isDirect?: boolean | undefined;
}

/** Three PostgreSQL servers, each behind a proxy, for all trials. */
export class Cluster implements AsyncDisposable {
  readonly #members: readonly Member[];
  readonly #folder: string;
  #journals = 0;

  private constructor(members: readonly Member[], folder: string) {
    this.#members = members;
    this.#folder = folder;
  }

  static async start(folder: string): Promise<Cluster> {
    const members = NAMES.map(async (name): Promise<Member> => {
      const server = await startPostgres();
      const connectionString = await server.createDatabase(DATABASE);
      return { name, server, proxy: await startProxy(server), connectionString };
    });
    return new Cluster(await Promise.all(members), folder);
  }

  /** For a writer with a journal of its own. */
  settings({ dwellMs = 5_000, isDirect = false }: WriterNeeds): WriterSettings {
    this.#journals += 1;
    const providers = this.#members.map(({ name, connectionString, proxy }) => {
      return { name, connectionString: isDirect ? connectionString : proxy.url(connectionString) };
    });
    return { providers, dwellMs, journalPath: `${this.#folder}/journal-${this.#journals}.db` };
  }

  server(name: Name): PostgresServer {
    return this.#member(name).server;
  }

  proxy(name: Name): TcpProxy {
    return this.#member(name).proxy;
  }

  cutAll(mode: "refuse" | "pass"): void {
    for (const { proxy } of this.#members) proxy.setMode(mode);
  }

  /** The ids of a session's messages, by provider, as SQL finds them: what is under test has no part in it. */
  async messageIds(sessionId: string): Promise<Map<string, string[]>> {
    const ids = this.#members.map(async ({ name, server }): Promise<[string, string[]]> => {
      const rows = await server.query(
        "SELECT id FROM session_memories WHERE session_id = $1 AND memory_type LIKE 'message%'",
        [sessionId],
        DATABASE,
      );
      return [name, rows.map(({ id }) => String(id))];
    });
    return new Map(await Promise.all(ids));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { proxy, server } of this.#members) {
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    }
  }

  #member(name: Name): Member {
    const member = this.#members.find((candidate) => candidate.name === name);
    if (member === undefined) throw new TypeError(`there is no ${name}`);
    return member;
  }
}
