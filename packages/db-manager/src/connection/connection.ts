import { readFile } from "node:fs/promises";
import { Socket } from "node:net";
import pg from "pg";
import { Authentication } from "./authentication.ts";
import type { ConnectionFields } from "../configuration/connection-fields.ts";
import type { Deadline } from "./deadline.ts";
import { LocalFault } from "../errors/local-fault.ts";
import type { NamedStatement, TextValues } from "../manager/queryable.ts";
import { watchSilence } from "./silence.ts";
import { TextQuery } from "./text-query.ts";
import { bytesOf } from "./transfer.ts";

const KEEP_ALIVE_DELAY_MS = 5000;
/** The time that a server has to end a connection after the client requested it. */
const GOODBYE_MS = 500;

export interface Request {
  readonly statement: string | NamedStatement;
  readonly values: readonly unknown[] | undefined;
  readonly isNamed: boolean;
  readonly isText: boolean;
  readonly toRow?: ((values: TextValues) => unknown) | undefined;
  /** The longest silence, plus an allowance for the bytes in transit. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** The deadline of the operation. The allowance for the bytes in transit extends it. */
  readonly deadline?: Deadline | undefined;
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

/** Type parsers that keep every value as the text that the server sent. */
const TEXT_TYPES = { getTypeParser: () => (text: unknown) => text };

/**
 * A connection of pg on a socket that this class opens, so that it can end the connection at once in any state of pg.
 */
export class Connection {
  /** The pool generation that this connection belongs to; set once the connection is open. */
  generation = 0;
  /** Called once if the connection ends without a call of `close` or `destroy`. */
  onLost: ((error: unknown) => void) | undefined;
  idleSinceMs = 0;
  readonly #client: pg.Client;
  readonly #socket: Socket;
  /** The extra time that an answer may take because of all bytes in transit to and from the provider. */
  readonly #allowanceMs: () => number;
  #fault: unknown;
  /** The statement in flight. */
  #request: Request | undefined;
  /** The count of bytes read when the statement was first found to be slow. */
  #readBefore: number | undefined;
  #abandon: ((fault: unknown) => void) | undefined;

  private constructor(client: pg.Client, socket: Socket, allowanceMs: () => number) {
    this.#client = client;
    this.#socket = socket;
    this.#allowanceMs = allowanceMs;
    // These listeners are never removed: an error event without a listener ends the process, and one reset emits two.
    client.on("error", (error) => this.#end(error));
    client.on("end", () => this.#end(new Error("Connection terminated unexpectedly")));
  }

  /**
   * Opens a connection.
   *
   * @param allowanceMs the extra time that an answer may take because of the bytes in transit.
   */
  static async open(
    fields: ConnectionFields,
    connectTimeoutMs: number,
    allowanceMs: () => number,
  ): Promise<Connection> {
    const socket = new Socket();
    let authentication: Authentication | undefined;
    const client = new pg.Client({
      host: fields.host,
      port: fields.port,
      user: fields.user,
      // A function, because pg calls it when the server requests authentication, and would otherwise use PGPASSWORD.
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
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
      stream: () => socket,
    });
    authentication = new Authentication(fields.authentication, client.connection);
    const connection = new Connection(client, socket, allowanceMs);
    try {
      await connection.#connect(connectTimeoutMs);
      authentication.assertProven();
      // An idle pool must not keep a finished process alive. While a statement runs, its timer keeps the process alive.
      socket.unref();
      return connection;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /** The bytes of the statement in flight: those that this process sent, and those of the answer received so far. */
  get bytesUnderWay(): number {
    if (this.#request === undefined) return 0;
    const sent = Math.max(0, bytesOf(this.#request.values) - queuedBytes(this.#socket));
    return sent + this.bytesReceived;
  }

  get isDead(): boolean {
    return this.#fault !== undefined;
  }

  /** The error that ended the connection. */
  get fault(): unknown {
    return this.#fault;
  }

  /**
   * Sends one statement. It is sent before this returns, and only one may be in flight. If no answer arrives in time,
   * the caller must destroy the connection.
   *
   * The timer is not pg's `query_timeout`, because that replaces the callback of its query. V8 then keeps the garbage
   * of all earlier queries until it collects the old generation, which cost a third of the processor's time to load
   * 1,000 messages.
   */
  query<Row>(request: Request): Promise<Answer<Row>> {
    const answer = new Promise<Answer<Row>>((resolve, reject) => {
      this.#request = request;
      this.#readBefore = undefined;
      const stop = watchSilence({
        timeoutMs: Math.max(1, Math.ceil(request.timeoutMs)),
        allowanceMs: this.#allowanceMs,
        movement: this.#movement,
        onProlonged: (ms) => request.deadline?.extend(ms),
        onOver: (waitedMs) => reject(noAnswer(waitedMs)),
      });
      this.#abandon = reject;
      this.#send(request, (error, result) => {
        stop();
        this.#request = undefined;
        this.#abandon = undefined;
        if (error) reject(error);
        else resolve(toAnswer<Row>(result));
      });
    });
    return request.signal === undefined ? answer : this.#endOnAbort(answer, request.signal);
  }

  /**
   * Connects within a time-out, as pg's own timer would, plus an allowance for the bytes in transit on the same link.
   */
  #connect(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = watchSilence({
        timeoutMs,
        allowanceMs: this.#allowanceMs,
        movement: () => 0,
        onProlonged: () => undefined,
        onOver: () => reject(new Error("timeout expired")),
      });
      this.#client
        .connect()
        .then(() => resolve(), reject)
        .finally(stop);
    });
  }

  /** Bytes of the latest answer that arrived after its statement was first found to be slow. */
  get bytesReceived(): number {
    return this.#readBefore === undefined ? 0 : this.#socket.bytesRead - this.#readBefore;
  }

  readonly #movement = (): number => {
    this.#readBefore ??= this.#socket.bytesRead;
    return this.bytesReceived - queuedBytes(this.#socket);
  };

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

  /** Ends the connection at once; a statement in flight fails with the fault. */
  destroy(fault: unknown): void {
    this.#fault ??= fault;
    this.onLost = undefined;
    this.#abandon?.(fault);
    this.#abandon = undefined;
    this.#socket.destroy();
  }

  /** Ends an idle connection gracefully, or forcibly if the server does not react. */
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

/**
 * Returns the bytes that were written but have not left the process. Node has no public property for them; its own
 * `socket.setTimeout` also reads this counter to detect progress of a large write. 0 if the counter is absent.
 */
function queuedBytes(socket: Socket): number {
  const handle: unknown = "_handle" in socket ? socket._handle : undefined;
  if (typeof handle !== "object" || handle === null || !("writeQueueSize" in handle)) return 0;
  return typeof handle.writeQueueSize === "number" ? handle.writeQueueSize : 0;
}

function noAnswer(timeoutMs: number): LocalFault {
  return new LocalFault("RIVET_NO_ANSWER", `no answer in ${timeoutMs} ms`);
}

function toAnswer<Row>(result: DriverResult | readonly DriverResult[]): Answer<Row> {
  // A text with several statements returns several results; the last one counts.
  const last = "rows" in result ? result : result.at(-1);
  // The only cast of rows to the caller's type: the compiler cannot derive the type from the statement.
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
