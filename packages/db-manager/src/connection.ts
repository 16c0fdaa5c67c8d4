import { readFile } from "node:fs/promises";
import { Socket } from "node:net";
import pg from "pg";
import { Authentication } from "./authentication.ts";
import type { ConnectionFields } from "./connection-fields.ts";
import { LocalFault } from "./local-fault.ts";
import type { NamedStatement, TextValues } from "./queryable.ts";
import { TextQuery } from "./text-query.ts";

const KEEP_ALIVE_DELAY_MS = 5000;
/** How long a server may take to say goodbye. */
const GOODBYE_MS = 500;

export interface Request {
  readonly statement: string | NamedStatement;
  readonly values: readonly unknown[] | undefined;
  readonly isNamed: boolean;
  readonly isText: boolean;
  readonly toRow?: ((values: TextValues) => unknown) | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

export interface Answer<Row> {
  readonly rows: Row[];
  readonly rowCount: number;
  readonly command: string;
}

interface DriverResult {
  readonly rows: unknown[];
  readonly rowCount: number | null;
  readonly command: string | null;
}

/** Every value stays the text that the server sent. */
const TEXT_TYPES = { getTypeParser: () => (text: unknown) => text };

/** One connection of pg whose socket is ours, so that it can be ended at once and whatever pg is waiting for. */
export class Connection {
  /** The generation of the pool's connections that it belongs to; set when it is established. */
  generation = 0;
  /** Called once when the connection ends by itself. */
  onLost: ((error: unknown) => void) | undefined;
  idleSinceMs = 0;
  readonly #client: pg.Client;
  readonly #socket: Socket;
  #fault: unknown;
  #abandon: ((fault: unknown) => void) | undefined;

  private constructor(client: pg.Client, socket: Socket) {
    this.#client = client;
    this.#socket = socket;
    // For all of its life: an error event without a listener ends the process, and one reset emits two.
    client.on("error", (error) => this.#end(error));
    client.on("end", () => this.#end(new Error("Connection terminated unexpectedly")));
  }

  static async open(fields: ConnectionFields, connectTimeoutMs: number): Promise<Connection> {
    const socket = new Socket();
    let authentication: Authentication | undefined;
    const client = new pg.Client({
      host: fields.host,
      port: fields.port,
      user: fields.user,
      // A function: pg asks it when the server wants a proof, and would take another password from the environment.
      password: () => {
        authentication?.assertAsked();
        return fields.password ?? "";
      },
      database: fields.database,
      application_name: fields.applicationName,
      ...(fields.options === undefined ? {} : { options: fields.options }),
      ssl: await tlsOf(fields),
      sslnegotiation: fields.isTlsDirect ? "direct" : "postgres",
      enableChannelBinding: true,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
      stream: () => socket,
    });
    authentication = new Authentication(fields.authentication, client.connection);
    const connection = new Connection(client, socket);
    try {
      await client.connect();
      authentication.assertProven();
      // A pool at rest must not keep a process alive whose work is done; a statement's own timer does.
      socket.unref();
      return connection;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  get isDead(): boolean {
    return this.#fault !== undefined;
  }

  /** What ended the connection. */
  get fault(): unknown {
    return this.#fault;
  }

  /**
   * The statement is sent before this returns. One at a time. Whoever gets no answer in time has to destroy the connection.
   *
   * The timer is not pg's own, whose `query_timeout` replaces the callback of its query. V8 then keeps all that the queries
   * before have left until it collects the old generation: a third of the processor's time for a load of 1,000 messages.
   */
  query<Row>(request: Request): Promise<Answer<Row>> {
    const timeoutMs = Math.max(1, Math.ceil(request.timeoutMs));
    const answer = new Promise<Answer<Row>>((resolve, reject) => {
      const timer = setTimeout(() => reject(noAnswer(timeoutMs)), timeoutMs);
      this.#abandon = reject;
      this.#send(request, (error, result) => {
        clearTimeout(timer);
        this.#abandon = undefined;
        if (error) reject(error);
        else resolve(toAnswer<Row>(result));
      });
    });
    return request.signal === undefined ? answer : this.#endOnAbort(answer, request.signal);
  }

  #send(
    { statement, values, isNamed, isText, toRow }: Request,
    onEnd: (error: unknown, result: DriverResult | readonly DriverResult[]) => void,
  ): void {
    const text = typeof statement === "string" ? statement : statement.text;
    const name = isNamed && typeof statement !== "string" ? statement.name : undefined;
    if (toRow !== undefined || (isText && values !== undefined)) {
      this.#client.query(new TextQuery({ text, name, values: values ?? [], toRow }, onEnd));
      return;
    }
    const config: pg.QueryConfig = { text };
    if (name !== undefined) config.name = name;
    if (values !== undefined) config.values = [...values];
    if (isText) config.types = TEXT_TYPES;
    this.#client.query(config, onEnd);
  }

  /** Ends the connection at once; a statement that is under way fails with the fault. */
  destroy(fault: unknown): void {
    this.#fault ??= fault;
    this.onLost = undefined;
    this.#abandon?.(fault);
    this.#abandon = undefined;
    this.#socket.destroy();
  }

  /** Ends an idle connection with a goodbye, and without one when the server does not react. */
  async close(): Promise<void> {
    this.#fault ??= new LocalFault("RIVET_CLOSED", "the connection was closed");
    this.onLost = undefined;
    const timer = setTimeout(() => this.#socket.destroy(), GOODBYE_MS);
    await this.#client.end();
    clearTimeout(timer);
  }

  #endOnAbort<Result>(answer: Promise<Result>, signal: AbortSignal): Promise<Result> {
    const onAbort = (): void =>
      this.destroy(new LocalFault("RIVET_ABORTED", "the caller's signal ended the wait", signal.reason));
    signal.addEventListener("abort", onAbort, { once: true });
    return answer.finally(() => signal.removeEventListener("abort", onAbort));
  }

  #end(error: unknown): void {
    if (this.#fault !== undefined) return;
    this.#fault = error;
    this.onLost?.(error);
  }
}

function noAnswer(timeoutMs: number): LocalFault {
  return new LocalFault("RIVET_NO_ANSWER", `no answer in ${timeoutMs} ms`);
}

function toAnswer<Row>(result: DriverResult | readonly DriverResult[]): Answer<Row> {
  // Several statements in one text give several results; the last one counts.
  const last = "rows" in result ? result : result.at(-1);
  // The one place where rows get the type that the caller states; only its statement could tell.
  return { rows: (last?.rows ?? []) as Row[], rowCount: last?.rowCount ?? 0, command: last?.command ?? "" };
}

async function tlsOf({ tls, certificateFiles }: ConnectionFields): Promise<Record<string, unknown> | false> {
  if (tls === undefined) return false;
  const read = Object.entries(certificateFiles).map(async ([option, file]) => [option, await readPem(file)] as const);
  return { ...Object.fromEntries(await Promise.all(read)), ...tls };
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new LocalFault("RIVET_CERTIFICATE_FILE", `the certificate file ${file} of the address cannot be read`, error);
  }
}
