import { rm } from "node:fs/promises";
import { startPostgres, startProxy, type PostgresServer, type TcpProxy } from "@rivet/local-servers";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import type { WriterSettings } from "./writer-process.ts";

export const NAMES = ["neon", "supabase", "railway"] as const;
export type Name = (typeof NAMES)[number];

interface Member {
  readonly name: Name;
  readonly server: PostgresServer;
  readonly proxy: TcpProxy;
  readonly storage: PostgresMemoryStorage;
  readonly connectionString: string;
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
      const url = await server.createDatabase();
      const proxy = await startProxy(server);
      const storage = await new PostgresMemoryStorage({ connectionString: url }).open();
      return { name, server, proxy, storage, connectionString: proxy.url(url) };
    });
    return new Cluster(await Promise.all(members), folder);
  }

  /** For a writer with a journal of its own. */
  settings(dwellMs = 5_000): WriterSettings {
    this.#journals += 1;
    const providers = this.#members.map(({ name, connectionString }) => ({ name, connectionString }));
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

  /** The ids of a session's messages, by store; under `local`, those that the journal holds for any of them. */
  async idsIn(sessionId: string, journalPath: string): Promise<Map<string, string[]>> {
    const ids = new Map<string, string[]>();
    await using journal = new SQLiteStorage(journalPath);
    for (const { name, storage } of this.#members) {
      const session = await storage.loadSession(sessionId);
      ids.set(name, session === null ? [] : [...session.history].map(({ id }) => id));
    }
    const held = await Promise.all(NAMES.map((name) => journal.journal.pending(name, undefined, 100_000)));
    ids.set("local", [...new Set(held.flat().map(({ id }) => id))]);
    await rm(journalPath, { force: true });
    return ids;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { storage, proxy, server } of this.#members) {
      await storage.close();
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
