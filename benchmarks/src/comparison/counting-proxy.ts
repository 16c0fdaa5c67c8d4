import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** Counts round trips: how often a client spoke after a server had, or first. */
export class CountingProxy implements AsyncDisposable {
  readonly #listener: Server;
  readonly #sockets = new Set<Socket>();
  #roundTrips = 0;

  private constructor(targetPort: number) {
    this.#listener = createServer((client) => this.#accept(client, connect(targetPort, "127.0.0.1")));
  }

  static async start(targetPort: number): Promise<CountingProxy> {
    const proxy = new CountingProxy(targetPort);
    proxy.#listener.listen(0, "127.0.0.1");
    await once(proxy.#listener, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** On all connections together. */
  get roundTrips(): number {
    return this.#roundTrips;
  }

  #accept(client: Socket, server: Socket): void {
    let isClientsTurn = true;
    client.on("data", () => {
      if (isClientsTurn) this.#roundTrips += 1;
      isClientsTurn = false;
    });
    server.on("data", () => (isClientsTurn = true));
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay();
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        to.destroy();
        this.#sockets.delete(from);
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#listener, "close");
    this.#listener.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
