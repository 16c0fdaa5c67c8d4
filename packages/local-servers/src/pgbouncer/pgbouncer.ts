import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../process/free-port.ts";
import { GuardedProcess } from "../process/guarded-process.ts";
import { pgBouncerProgram } from "./pgbouncer-program.ts";
import type { PostgresServer } from "../postgres/postgres.ts";
import { giveToServer } from "../postgres/template.ts";

export interface PgBouncerOptions {
  readonly target: PostgresServer;
  /** Default: `transaction`. */
  readonly poolMode?: "transaction" | "session" | "statement";
  /** Connections to the server for each user and database. Default: 20. */
  readonly poolSize?: number;
  /** The only database that it serves. Default: all of the server. */
  readonly database?: string;
  /** Further settings of the section `[pgbouncer]`. */
  readonly settings?: Readonly<Record<string, string>>;
}

const READY = "process up";

/**
 * Starts a PgBouncer in front of a server, for its databases, on a free port of the loopback interface.
 *
 * @throws if PgBouncer is not installed and cannot be fetched, or does not start; the message contains its log.
 */
export async function startPgBouncer(options: PgBouncerOptions): Promise<PgBouncer> {
  const { target, poolMode = "transaction", poolSize = 20, database = "*", settings = {} } = options;
  const { file, environment } = await pgBouncerProgram();
  const folder = await mkdtemp(join(tmpdir(), "rivet-pgbouncer-server-"));
  const [port, users, configuration] = [await freePort(), join(folder, "users.txt"), join(folder, "pgbouncer.ini")];
  const lines = Object.entries({
    listen_addr: target.host,
    listen_port: String(port),
    unix_socket_dir: "",
    auth_type: "scram-sha-256",
    auth_file: users,
    pool_mode: poolMode,
    default_pool_size: String(poolSize),
    max_client_conn: "500",
    ...settings,
  }).map(([name, value]) => `${name} = ${value}`);
  const databases = `${database} = host=${target.host} port=${target.port} user=${target.user} password=${target.password}`;
  const text = ["[databases]", databases, "[pgbouncer]", ...lines, ""].join("\n");
  await writeFile(users, `"${target.user}" "${target.password}"\n`, { mode: 0o600 });
  await writeFile(configuration, text, { mode: 0o600 });
  await giveToServer(folder, users, configuration);
  const command = [file, "-v", configuration];
  try {
    const started = await GuardedProcess.start({ command, folder, environment, ready: READY, secret: target.password });
    return new PgBouncer(target, port, folder, started);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

export class PgBouncer {
  readonly port: number;
  readonly #target: PostgresServer;
  /** The folder of its configuration. */
  readonly folder: string;
  readonly #process: GuardedProcess;

  constructor(target: PostgresServer, port: number, folder: string, started: GuardedProcess) {
    this.#target = target;
    this.port = port;
    this.folder = folder;
    this.#process = started;
  }

  /** The end of the log. */
  get log(): string {
    return this.#process.log;
  }

  /** Returns the address of a database of the server through PgBouncer. */
  url(database?: string): string {
    const url = new URL(this.#target.url(database));
    url.port = String(this.port);
    return url.href;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.end("remove");
    await rm(this.folder, { recursive: true, force: true });
  }
}
