import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/**
 * What happens to connections, those that are open and those to come:
 *
 * - `pass`: nothing.
 * - `refuse`: they are reset, and so is every new one.
 * - `reset`: those that are open are reset; new ones pass.
 * - `black-hole`: what is sent vanishes, in both directions, and nothing is ever closed.
 * - `swallow-replies`: the server gets what is sent, and its answers vanish.
 * - `delay`: what is sent arrives late, in both directions.
 *
 * A connection from which bytes have vanished stays silent for ever, whatever the mode is later.
 */
export type ProxyMode = "pass" | "refuse" | "reset" | "black-hole" | "swallow-replies" | "delay";

/** How late everything arrives in the mode `delay`, unless told otherwise. */
const DELAY_MS = 100;

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
  #delayMs = 0;

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

  /** @param delayMs how late everything arrives in the mode `delay`. */
  setMode(mode: ProxyMode, delayMs = DELAY_MS): void {
    this.#mode = mode;
    this.#delayMs = mode === "delay" ? delayMs : 0;
    if (mode === "refuse" || mode === "reset") for (const link of this.#links) link.client.resetAndDestroy();
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
      client.resetAndDestroy();
      return;
    }
    const server = connect(this.#port, this.#host);
    const link: Link = {
      client,
      server,
      toClient: new SlowPipe(client),
      toServer: new SlowPipe(server),
      isDeafToClient: false,
      isDeafToServer: false,
    };
    this.#links.add(link);
    client.on("data", (chunk) => {
      link.isDeafToClient ||= this.#mode === "black-hole";
      if (!link.isDeafToClient) link.toServer.write(chunk, this.#delayMs);
    });
    server.on("data", (chunk) => {
      link.isDeafToServer ||= this.#mode === "black-hole" || this.#mode === "swallow-replies" || link.isDeafToClient;
      if (!link.isDeafToServer) link.toClient.write(chunk, this.#delayMs);
    });
    for (const [side, other] of [
      [client, server],
      [server, client],
    ] as const) {
      side.on("error", () => undefined);
      side.on("close", () => {
        // Who hears nothing does not hear that the server has gone either.
        if (side === server && (link.isDeafToServer || link.isDeafToClient)) return;
        other.destroy();
        this.#links.delete(link);
      });
    }
  }
}

/** Writes to a socket with a delay that may change: bytes never overtake those before them. */
class SlowPipe {
  readonly #socket: Socket;
  readonly #waiting: Buffer[] = [];
  #lastDueMs = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  write(chunk: Buffer, delayMs: number): void {
    if (delayMs === 0 && this.#waiting.length === 0) {
      this.#socket.write(chunk);
      return;
    }
    const nowMs = performance.now();
    this.#lastDueMs = Math.max(this.#lastDueMs, nowMs + delayMs);
    this.#waiting.push(chunk);
    // Timers may fire in another order than their chunks came in: each sends the oldest.
    setTimeout(() => {
      const oldest = this.#waiting.shift();
      if (oldest !== undefined && this.#socket.writable) this.#socket.write(oldest);
    }, this.#lastDueMs - nowMs);
  }
}
