import { startPostgres, startProxy, type PostgresServer, type TcpProxy } from "@rivet/local-servers";

export const NAMES = ["neon", "supabase", "railway"] as const;
export type Name = (typeof NAMES)[number];

const DATABASE = "trials";

/** A provider as a writer is told of it. */
export interface Address {
  readonly name: Name;
  readonly connectionString: string;
}

interface Member extends Address {
  readonly server: PostgresServer;
  readonly proxy: TcpProxy;
}

/** Three PostgreSQL servers, each behind a proxy. */
export class Cluster implements AsyncDisposable {
  readonly #members: readonly Member[];

  private constructor(members: readonly Member[]) {
    this.#members = members;
  }

  static async start(): Promise<Cluster> {
    const members = NAMES.map(async (name): Promise<Member> => {
      const server = await startPostgres();
      const connectionString = await server.createDatabase(DATABASE);
      return { name, server, proxy: await startProxy(server), connectionString };
    });
    return new Cluster(await Promise.all(members));
  }

  /** @param isDirect whether they are the servers' own: then a dead one's system refuses, and not a proxy. */
  addresses({ isDirect }: { readonly isDirect: boolean }): Address[] {
    return this.#members.map(({ name, connectionString, proxy }) => {
      return { name, connectionString: isDirect ? connectionString : proxy.url(connectionString) };
    });
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

  /** The rows of a provider, read by SQL around the proxy, without the code under test. */
  rows(name: Name, text: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
    return this.#member(name).server.query(text, values, DATABASE);
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
