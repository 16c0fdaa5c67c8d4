import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { pgBouncerProgram } from "./pgbouncer-program.ts";
import type { PostgresServer } from "./postgres.ts";
import { giveToServer, SERVER_USER } from "./template.ts";

export interface PgBouncerOptions {
  readonly target: PostgresServer;
  /** Default: `transaction`. */
  readonly poolMode?: "transaction" | "session" | "statement";
  /** Connections to the server for each user and database. Default: 20. */
  readonly poolSize?: number;
  /** Further settings of the section `[pgbouncer]`. */
  readonly settings?: Readonly<Record<string, string>>;
}

const READY = "process up";

/** It ends, and its folder goes, when the pipe to its guard closes, as it does however this process ends. */
const GUARD = `
folder=$1; shift
"$@" &
bouncer=$!
read -r word
kill -INT "$bouncer" 2>/dev/null
wait "$bouncer"
rm -rf "$folder"`;

/**
 * Starts a PgBouncer in front of a server, for all its databases, on a free port of the loopback interface.
 *
 * @throws when there is no PgBouncer and none can be fetched, or when it does not start; the message has its log.
 */
export async function startPgBouncer(options: PgBouncerOptions): Promise<PgBouncer> {
  const { target, poolMode = "transaction", poolSize = 20, settings = {} } = options;
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
  const databases = `* = host=${target.host} port=${target.port} user=${target.user} password=${target.password}`;
  const text = ["[databases]", databases, "[pgbouncer]", ...lines, ""].join("\n");
  await writeFile(users, `"${target.user}" "${target.password}"\n`, { mode: 0o600 });
  await writeFile(configuration, text, { mode: 0o600 });
  await giveToServer(folder, users, configuration);
  const guard = spawn("sh", ["-c", GUARD, "sh", folder, file, "-v", configuration], {
    ...SERVER_USER,
    cwd: folder,
    env: { ...process.env, ...environment },
    stdio: ["pipe", "ignore", "pipe"],
    detached: true,
  });
  const bouncer = new PgBouncer(target, port, folder, guard);
  try {
    await bouncer.untilReady();
    return bouncer;
  } catch (error) {
    await bouncer[Symbol.asyncDispose]();
    throw error;
  }
}

export class PgBouncer {
  readonly port: number;
  readonly #target: PostgresServer;
  readonly #folder: string;
  readonly #guard: ChildProcess;
  #log = "";

  constructor(target: PostgresServer, port: number, folder: string, guard: ChildProcess) {
    this.#target = target;
    this.port = port;
    this.#folder = folder;
    this.#guard = guard;
  }

  /** Where its configuration is. */
  get folder(): string {
    return this.#folder;
  }

  /** What it has said lately. */
  get log(): string {
    return this.#log.replaceAll(this.#target.password, "•••");
  }

  /** The address of a database of the server, through it. */
  url(database?: string): string {
    const url = new URL(this.#target.url(database));
    url.port = String(this.port);
    return url.href;
  }

  untilReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#guard.stderr?.on("data", (chunk: Buffer) => {
        this.#log = (this.#log + chunk.toString()).slice(-20_000);
        if (this.#log.includes(READY)) resolve();
        else if (/FATAL|error while loading/.test(this.#log)) this.#guard.stdin?.end();
      });
      this.#guard.once("error", reject);
      this.#guard.once("close", () => reject(new Error(`PgBouncer did not start:\n${this.log}`)));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#guard.exitCode === null && this.#guard.signalCode === null) {
      const closed = once(this.#guard, "close");
      this.#guard.stdin?.end();
      await closed;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
