/**
 * The connection pool of one provider. Unlike the driver's pool it has generations (after a fault no older connection
 * is used again), and separate deadlines for waiting for a free connection and for opening one. It does not retry.
 */
import type { Connection } from "./connection.ts";
import { aborted, type Deadline } from "./deadline.ts";
import { LocalFault } from "../errors/local-fault.ts";

const IDLE_TIMEOUT_MS = 30_000;

export interface PoolStats {
  /** The number of connections, including those being opened. */
  readonly total: number;
  readonly idle: number;
  /** The number of operations that wait for a connection. */
  readonly waiting: number;
  readonly max: number;
}

interface PoolInit {
  readonly max: number;
  readonly open: () => Promise<Connection>;
  readonly nowMs: () => number;
  /** Returns the time by which the bytes in transit extend an operation's deadline. */
  readonly allowanceMs: () => number;
  /** Called once when a connection could not be opened. Every operation that waits for it receives the error too. */
  readonly onOpenFailed: (error: unknown, generation: number) => void;
  /** Called when an idle connection was lost. */
  readonly onIdleLost: (error: unknown, generation: number) => void;
}

interface Waiter {
  readonly take: (connection: Connection) => void;
  readonly fail: (error: unknown) => void;
}

export class Pool {
  readonly #init: PoolInit;
  readonly #idle: Connection[] = [];
  readonly #busy = new Set<Connection>();
  readonly #waiting = new Set<Waiter>();
  #opening = 0;
  #generation = 0;
  #isClosed = false;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(init: PoolInit) {
    this.#init = init;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Whether the pool has no connection, so that the next one may have to wait for a sleeping database. */
  get isCold(): boolean {
    return this.#idle.length + this.#busy.size === 0;
  }

  /** The bytes in transit of all statements in flight. */
  get bytesUnderWay(): number {
    let bytes = 0;
    for (const connection of this.#busy) bytes += connection.bytesUnderWay;
    return bytes;
  }

  stats(): PoolStats {
    return { total: this.#total(), idle: this.#idle.length, waiting: this.#waiting.size, max: this.#init.max };
  }

  /** Returns a connection for exclusive use, which the caller must `release`. Waits until the deadline. */
  acquire(deadline: Deadline): Connection | Promise<Connection> {
    if (this.#isClosed) throw new LocalFault("RIVET_CLOSED", "the manager was closed");
    const idle = this.#waiting.size === 0 ? this.#idle.pop() : undefined;
    return idle === undefined ? this.#wait(deadline) : this.#use(idle);
  }

  /** Returns a connection to the pool, which reuses it only if it is sound and of the current generation. */
  release(connection: Connection, isSound: boolean): void {
    this.#busy.delete(connection);
    if (!isSound || connection.isDead || connection.generation !== this.#generation || this.#isClosed) {
      connection.destroy(new LocalFault("RIVET_CLOSED", "the pool discarded the connection"));
    } else {
      this.#rest(connection);
    }
    this.#serve();
  }

  /** Adds a connection that was opened elsewhere, unless the pool is full. */
  adopt(connection: Connection): void {
    connection.generation = this.#generation;
    this.release(connection, this.#total() < this.#init.max);
  }

  /** Starts a new generation: no existing connection is used again. Work in flight on one goes on. */
  renew(): void {
    this.#generation += 1;
    for (const connection of this.#idle.splice(0)) {
      connection.destroy(new LocalFault("RIVET_CLOSED", "the connection was opened before a fault of its provider"));
    }
  }

  /** Closes idle connections gracefully and busy ones immediately. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#sweeper);
    const fault = new LocalFault("RIVET_CLOSED", "the manager was closed");
    for (const waiter of this.#waiting) waiter.fail(fault);
    for (const connection of this.#busy) connection.destroy(fault);
    await Promise.all(this.#idle.splice(0).map((connection) => connection.close()));
  }

  #total(): number {
    return this.#idle.length + this.#busy.size + this.#opening;
  }

  #use(connection: Connection): Connection {
    this.#busy.add(connection);
    return connection;
  }

  #rest(connection: Connection): void {
    connection.onLost ??= (error) => this.#lose(connection, error);
    connection.idleSinceMs = this.#init.nowMs();
    this.#idle.push(connection);
    this.#sweeper ??= setTimeout(() => this.#sweep(), IDLE_TIMEOUT_MS).unref();
  }

  /** Removes a lost connection. The operation that uses it receives the error; the loss of an idle one is reported. */
  #lose(connection: Connection, error: unknown): void {
    const at = this.#idle.indexOf(connection);
    if (at === -1) return;
    this.#idle.splice(at, 1);
    this.#init.onIdleLost(error, connection.generation);
  }

  #sweep(): void {
    this.#sweeper = undefined;
    const beforeMs = this.#init.nowMs() - IDLE_TIMEOUT_MS;
    // The connection that has been idle longest is the first.
    const fresh = this.#idle.findIndex(({ idleSinceMs }) => idleSinceMs > beforeMs);
    for (const connection of this.#idle.splice(0, fresh === -1 ? this.#idle.length : fresh)) void connection.close();
    if (this.#idle.length > 0) this.#sweeper = setTimeout(() => this.#sweep(), IDLE_TIMEOUT_MS).unref();
  }

  #wait(deadline: Deadline): Promise<Connection> {
    deadline.check();
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        stopWatching();
        this.#waiting.delete(waiter);
      };
      const waiter: Waiter = {
        take: (connection) => {
          settle();
          resolve(connection);
        },
        fail: (error) => {
          settle();
          reject(error);
        },
      };
      const stopWatching = deadline.watch(() => waiter.fail(this.#waitedInVain(deadline)), this.#init.allowanceMs);
      this.#waiting.add(waiter);
      this.#serve();
    });
  }

  #waitedInVain({ signal, timeoutMs }: Deadline): LocalFault {
    if (signal?.aborted === true) return aborted(signal);
    const { max } = this.#init;
    if (this.#busy.size < max) return new LocalFault("RIVET_DEADLINE", `no connection was opened in ${timeoutMs} ms`);
    return new LocalFault("RIVET_POOL_FULL", `none of the ${max} connections became free in ${timeoutMs} ms`);
  }

  /** Hands idle connections to waiting operations and opens new ones for the rest. */
  #serve(): void {
    for (const waiter of this.#waiting) {
      const idle = this.#idle.pop();
      if (idle === undefined) break;
      waiter.take(this.#use(idle));
    }
    while (!this.#isClosed && this.#opening < this.#waiting.size && this.#total() < this.#init.max) this.#open();
  }

  #open(): void {
    const generation = this.#generation;
    this.#opening += 1;
    this.#init.open().then(
      (connection) => {
        this.#opening -= 1;
        connection.generation = this.#generation;
        this.release(connection, true);
      },
      (error: unknown) => {
        this.#opening -= 1;
        if (generation !== this.#generation) return this.#serve();
        this.#init.onOpenFailed(error, generation);
        // Busy connections may become free. Without any, all waiting operations depend on the one that failed.
        if (this.#busy.size === 0) for (const waiter of this.#waiting) waiter.fail(error);
      },
    );
  }
}
