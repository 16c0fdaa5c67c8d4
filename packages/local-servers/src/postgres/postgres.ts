import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { freePort } from "../process/free-port.ts";
import { GuardedProcess } from "../process/guarded-process.ts";
import { copyData, giveToServer, template } from "./template.ts";

export interface PostgresOptions {
  /** Settings such as `{ max_connections: "20" }`, as in postgresql.conf. */
  settings?: Readonly<Record<string, string>>;
}

/**
 * Modes of stopping: `fast` rolls back and disconnects, `immediate` drops everything as in a crash, `kill` ends at
 * once.
 */
export type StopMode = "fast" | "immediate" | "kill";

const SIGNALS = { fast: "SIGINT", immediate: "SIGQUIT", kill: "SIGKILL" } as const;
/** The log text of a ready server: it accepts connections, or read-only ones if it is a standby. */
const READY = "database system is ready to accept ";

/**
 * Starts a new PostgreSQL server with fresh data on a free port of the loopback interface. It ends with this process,
 * and leaves nothing behind.
 *
 * @throws if the server does not start; the message contains the end of its log.
 * @example
 * await using server = await startPostgres();
 * const url = await server.createDatabase();
 */
export async function startPostgres({ settings = {} }: PostgresOptions = {}): Promise<PostgresServer> {
  const { programs, data: original, password } = await template();
  const folder = await mkdtemp(join(process.env["RIVET_SERVER_DATA"] ?? tmpdir(), "rivet-postgres-server-"));
  await giveToServer(folder);
  await copyData(original, join(folder, "data"));
  const everywhere = settingsOfEnvironment(process.env["RIVET_POSTGRES_SETTINGS"]);
  const merged = { ...everywhere, ...settings };
  const server = new PostgresServer({ programs, folder, password, port: await freePort(), settings: merged });
  try {
    await server.start();
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** Parses `name=value; name=value`, with which all tests can run on servers with other settings. */
function settingsOfEnvironment(text = ""): Record<string, string> {
  const pairs = text.split(";").filter((pair) => pair.trim() !== "");
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = "", ...value] = pair.split("=");
      return [name.trim(), value.join("=").trim()];
    }),
  );
}

export class PostgresServer {
  readonly host = "127.0.0.1";
  readonly port: number;
  readonly user = "postgres";
  readonly password: string;
  readonly #programs: string;
  /** The folder of its data. */
  readonly folder: string;
  readonly #settings: Readonly<Record<string, string>>;
  #process: GuardedProcess | undefined;
  #paused: number[] = [];
  #isDisposed = false;

  constructor(init: {
    readonly programs: string;
    readonly folder: string;
    readonly password: string;
    readonly port: number;
    readonly settings: Readonly<Record<string, string>>;
  }) {
    this.#programs = init.programs;
    this.folder = init.folder;
    this.password = init.password;
    this.port = init.port;
    this.#settings = init.settings;
  }

  /** The end of the server's log. */
  get log(): string {
    return this.#process?.log ?? "";
  }

  /** The address of a database, for the server's superuser unless told otherwise. */
  url(database = "postgres", user = this.user, password = this.password): string {
    const [name, secret] = [encodeURIComponent(user), encodeURIComponent(password)];
    return `postgres://${name}:${secret}@${this.host}:${this.port}/${encodeURIComponent(database)}`;
  }

  /** Starts it again after a stop, on the same port and with the same data. */
  async start(): Promise<void> {
    if (this.#process !== undefined) return;
    if (this.#isDisposed) throw new Error("this server was disposed of; start another one");
    const settings = {
      listen_addresses: this.host,
      port: String(this.port),
      unix_socket_directories: "",
      max_connections: "200",
      ...this.#settings,
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const command = [join(this.#programs, "bin", "postgres"), "-D", join(this.folder, "data"), ...flags];
    this.#process = await GuardedProcess.start({
      command,
      folder: this.folder,
      environment: { LC_ALL: "C" },
      ready: READY,
      secret: this.password,
    });
  }

  /** Stops the server, and waits until all its processes are gone. The data stays. */
  async stop(mode: StopMode = "fast"): Promise<void> {
    const ending = this.#process;
    if (ending === undefined) return;
    this.#process = undefined;
    const pid = await this.#pid();
    // If there is no process, the server has ended by itself.
    if (pid !== undefined) process.kill(pid, SIGNALS[mode]);
    await ending.end("keep");
  }

  /** Stops all its processes where they are (SIGSTOP): it falls silent, and its connections stay open. */
  async pause(): Promise<void> {
    const rows = await this.query("SELECT pid FROM pg_stat_activity");
    const pids = [await this.#pid(), ...rows.map(({ pid }) => Number(pid))].filter((pid) => pid !== undefined);
    // A process that has ended meanwhile is silent too.
    this.#paused = pids.filter((pid) => sendSignal(pid, "SIGSTOP"));
  }

  /** Resumes the server after a pause. */
  resume(): void {
    for (const pid of this.#paused.splice(0)) sendSignal(pid, "SIGCONT");
  }

  /** Reads the id of the server's process, a child of the guard, from the server's own file. */
  async #pid(): Promise<number | undefined> {
    const file = await readFile(join(this.folder, "data", "postmaster.pid"), "utf8").catch(() => undefined);
    return file === undefined ? undefined : Number(file.split("\n")[0]);
  }

  /** Creates an empty database. @returns its address. */
  async createDatabase(name = `db_${randomBytes(6).toString("hex")}`): Promise<string> {
    await this.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`);
    return this.url(name);
  }

  /** Runs a statement as the superuser, on a new connection. */
  async query(
    text: string,
    values: readonly unknown[] = [],
    database = "postgres",
  ): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: this.url(database) });
    client.on("error", () => undefined);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    this.resume();
    await this.stop("immediate");
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Sends a signal. @returns whether the process existed. */
function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
