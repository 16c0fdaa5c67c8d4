import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../process/free-port.ts";
import { GuardedProcess } from "../process/guarded-process.ts";
import { postgrestProgram } from "./postgrest-program.ts";
import { giveToServer } from "../postgres/template.ts";

export interface PostgrestOptions {
  /** The address of the database, for a role that may become each of those that tokens name. */
  readonly databaseUrl: string;
  /** Signs the tokens (HS256). */
  readonly jwtSecret: string;
  /** The role of a request without a token. */
  readonly anonymousRole: string;
  /** Default: `public`. */
  readonly schemas?: readonly string[];
  /** No answer has more rows. Default: no bound. */
  readonly maxRows?: number | undefined;
}

const READY = "Schema cache loaded";

/**
 * Starts a PostgREST in front of a database, on a free port of the loopback interface.
 *
 * @throws if it does not start; the message contains its log.
 */
export async function startPostgrest(options: PostgrestOptions): Promise<Postgrest> {
  const { databaseUrl, jwtSecret, anonymousRole, schemas = ["public"], maxRows } = options;
  const folder = await mkdtemp(join(tmpdir(), "rivet-postgrest-server-"));
  await giveToServer(folder);
  const port = await freePort();
  const environment = {
    PGRST_DB_URI: databaseUrl,
    PGRST_DB_ANON_ROLE: anonymousRole,
    PGRST_DB_SCHEMAS: schemas.join(","),
    PGRST_DB_EXTRA_SEARCH_PATH: "public",
    PGRST_JWT_SECRET: jwtSecret,
    PGRST_SERVER_HOST: "127.0.0.1",
    PGRST_SERVER_PORT: String(port),
    ...(maxRows === undefined ? {} : { PGRST_DB_MAX_ROWS: String(maxRows) }),
  };
  const server = new Postgrest(await postgrestProgram(), folder, port, environment, jwtSecret);
  try {
    await server.start();
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

export class Postgrest {
  readonly port: number;
  readonly #program: string;
  readonly #folder: string;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #secret: string;
  #process: GuardedProcess | undefined;

  constructor(
    program: string,
    folder: string,
    port: number,
    environment: Readonly<Record<string, string>>,
    secret: string,
  ) {
    this.#program = program;
    this.#folder = folder;
    this.port = port;
    this.#environment = environment;
    this.#secret = secret;
  }

  /** The end of the log. */
  get log(): string {
    return this.#process?.log ?? "";
  }

  /** Starts it again after a stop, on the same port. */
  async start(): Promise<void> {
    if (this.#process !== undefined) return;
    this.#process = await GuardedProcess.start({
      command: [this.#program],
      folder: this.#folder,
      environment: this.#environment,
      ready: READY,
      secret: this.#secret,
    });
  }

  /** Stops PostgREST and every request in flight. */
  async stop(): Promise<void> {
    const ending = this.#process;
    this.#process = undefined;
    await ending?.end("keep");
  }

  /** Restarts PostgREST, which then reads the schema again. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
