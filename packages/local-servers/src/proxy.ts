import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { resetConnection } from "./postgres/reset-connection.ts";

/**
 * The treatment of open and new connections:
 *
 * - `pass`: nothing.
 * - `refuse`: they are reset, and so is every new one.
 * - `reset`: those that are open are reset; new ones pass.
 * - `black-hole`: all bytes vanish, in both directions, and nothing is ever closed.
 * - `swallow-replies`: the server receives requests, but its answers vanish.
 * - `delay`: all bytes arrive late, in both directions.
 * - `slow`: all connections share a link of limited speed, in each direction.
 *
 * A connection from which bytes have vanished stays silent for ever, whatever the mode is later.
 */
export type ProxyMode = "pass" | "refuse" | "reset" | "black-hole" | "swallow-replies" | "delay" | "slow";

/** Parameters of the modes; each mode uses its own. */
export interface ProxyModeOptions {
  /** The delay of the mode `delay`, in milliseconds. Default: 100. */
  readonly delayMs?: number;
  /** The speed of the mode `slow` in each direction. Default: 1 MiB. */
  readonly bytesPerSecond?: number;
  /**
   * The queue of the mode `slow`. `fair`: a sender is held up, and connections take turns. `bloated`: the proxy accepts
   * all data at once and forwards it in order, so that little data waits behind much. Default: `fair`.
   */
  readonly queue?: "fair" | "bloated";
}

const DELAY_MS = 100;
const BYTES_PER_SECOND = 1024 * 1024;

/**
 * Starts a TCP proxy before a server, on a free port of the loopback interface.
 *
 * @example
 * await using proxy = await startProxy(server);
 * proxy.setMode("black-hole");
 */
export async function startProxy(target: { readonly host?: string; readonly port: number }): Promise<TcpProxy> {
  const proxy = new TcpProxy(target.host ?? "127.0.0.1", target.port);
  await proxy.listen();
  return proxy;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  readonly toClient: SlowPipe;
  readonly toServer: SlowPipe;
  /** Whether bytes have vanished in a direction. */
  isDeafToClient: boolean;
  isDeafToServer: boolean;
}

export class TcpProxy {
  readonly #host: string;
  readonly #port: number;
  readonly #listener: Server;
  readonly #links = new Set<Link>();
  #mode: ProxyMode = "pass";
  #pace: { readonly toClients: Pace; readonly toServer: Pace } = { toClients: AT_ONCE, toServer: AT_ONCE };

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
    this.#listener = createServer((client) => this.#accept(client));
  }

  async listen(): Promise<void> {
    this.#listener.listen(0, "127.0.0.1");
    await once(this.#listener, "listening");
  }

  get port(): number {
    const address = this.#listener.address();
    if (address === null || typeof address === "string") throw new Error("the proxy is not listening");
    return address.port;
  }

  get mode(): ProxyMode {
    return this.#mode;
  }

  get connectionCount(): number {
    return this.#links.size;
  }

  /** The address with this proxy in the place of its host and port. */
  url(address: string): string {
    const url = new URL(address);
    url.host = `127.0.0.1:${this.port}`;
    return url.href;
  }

  setMode(mode: ProxyMode, options: ProxyModeOptions = {}): void {
    this.#mode = mode;
    this.#pace = { toClients: paceOf(mode, options), toServer: paceOf(mode, options) };
    if (mode === "refuse" || mode === "reset") for (const link of this.#links) resetConnection(link.client);
    if (mode === "reset") this.#mode = "pass";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#listener, "close");
    this.#listener.close();
    for (const { client, server } of this.#links) {
      client.destroy();
      server.destroy();
    }
    await closed;
  }

  #accept(client: Socket): void {
    if (this.#mode === "refuse") {
      client.on("error", () => undefined);
      resetConnection(client);
      return;
    }
    const server = connect(this.#port, this.#host);
    const link: Link = {
      client,
      server,
      toClient: new SlowPipe(server, client),
      toServer: new SlowPipe(client, server),
      isDeafToClient: false,
      isDeafToServer: false,
    };
    this.#links.add(link);
    client.on("data", (chunk) => {
      link.isDeafToClient ||= this.#mode === "black-hole";
      if (!link.isDeafToClient) link.toServer.write(chunk, this.#pace.toServer);
    });
    server.on("data", (chunk) => {
      link.isDeafToServer ||= this.#mode === "black-hole" || this.#mode === "swallow-replies" || link.isDeafToClient;
      if (!link.isDeafToServer) link.toClient.write(chunk, this.#pace.toClients);
    });
    for (const [side, other] of [
      [client, server],
      [server, client],
    ] as const) {
      side.on("error", () => undefined);
      side.on("close", () => {
        // A silent connection must not reveal that the server has closed it.
        if (side === server && (link.isDeafToServer || link.isDeafToClient)) return;
        other.destroy();
        this.#links.delete(link);
      });
    }
  }
}

/** The time at which bytes arrive in one direction. */
interface Pace {
  /** In ms of `performance.now()`; undefined for at once. */
  readonly dueMs: ((bytes: number, nowMs: number) => number) | undefined;
  /** Whether a sender is held up while something of its own waits. */
  readonly isFair: boolean;
}

const AT_ONCE: Pace = { dueMs: undefined, isFair: false };

function paceOf(mode: ProxyMode, options: ProxyModeOptions): Pace {
  const { delayMs = DELAY_MS, bytesPerSecond = BYTES_PER_SECOND, queue = "fair" } = options;
  if (mode === "delay") return { dueMs: (_bytes, nowMs) => nowMs + delayMs, isFair: false };
  if (mode !== "slow") return AT_ONCE;
  // All connections share one link, so each one waits for the bytes of the others.
  let freeAtMs = 0;
  const dueMs = (bytes: number, nowMs: number): number => {
    freeAtMs = Math.max(freeAtMs, nowMs) + (bytes / bytesPerSecond) * 1_000;
    return freeAtMs;
  };
  return { dueMs, isFair: queue === "fair" };
}

/** Writes from one socket to another at a pace that may change: bytes never overtake those before them. */
class SlowPipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #waiting: Buffer[] = [];
  #lastDueMs = 0;

  constructor(from: Socket, to: Socket) {
    this.#from = from;
    this.#to = to;
  }

  write(chunk: Buffer, { dueMs, isFair }: Pace): void {
    if (dueMs === undefined && this.#waiting.length === 0) {
      this.#to.write(chunk);
      return;
    }
    const nowMs = performance.now();
    this.#lastDueMs = Math.max(this.#lastDueMs, dueMs?.(chunk.length, nowMs) ?? nowMs);
    this.#waiting.push(chunk);
    if (isFair) this.#from.pause();
    // Timers may fire in another order than their chunks came in: each sends the oldest.
    setTimeout(() => {
      const oldest = this.#waiting.shift();
      if (oldest !== undefined && this.#to.writable) this.#to.write(oldest);
      if (this.#waiting.length === 0) this.#from.resume();
    }, this.#lastDueMs - nowMs);
  }
}
