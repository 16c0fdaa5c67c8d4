/**
 * The connections of one provider. Unlike the driver's own pool it knows generations (after a fault nothing older is
 * used again), and the wait for a free connection has another deadline than the making of one.
 */
import type { Connection } from "./connection.ts";
import { aborted, type Deadline } from "./deadline.ts";
import { LocalFault } from "../errors/local-fault.ts";

const IDLE_TIMEOUT_MS = 30_000;

export interface PoolStats {
  /** Open connections, with those that are being made. */
  readonly total: number;
  readonly idle: number;
  /** Operations that wait for a connection. */
  readonly waiting: number;
  readonly max: number;
}

interface PoolInit {
  readonly max: number;
  readonly open: () => Promise<Connection>;
  readonly nowMs: () => number;
  /** How much longer than its deadline an operation may wait, for the bytes that are on their way. */
  readonly allowanceMs: () => number;
  /** A connection could not be made. Told once, however many wait for it; they get the error too. */
  readonly onOpenFailed: (error: unknown, generation: number) => void;
  /** A connection was lost while nobody used it. */
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

  /** Whether it has no connection, so that the next one may have to wait for a database that sleeps. */
  get isCold(): boolean {
    return this.#idle.length + this.#busy.size === 0;
  }

  /** The bytes on the way of all statements that are under way. */
  get bytesUnderWay(): number {
    let bytes = 0;
    for (const connection of this.#busy) bytes += connection.bytesUnderWay;
    return bytes;
  }

  stats(): PoolStats {
    return { total: this.#total(), idle: this.#idle.length, waiting: this.#waiting.size, max: this.#init.max };
  }

  /** A connection for one user at a time, who must `release` it. Waits until the deadline. */
  acquire(deadline: Deadline): Connection | Promise<Connection> {
    if (this.#isClosed) throw new LocalFault("RIVET_CLOSED", "the manager was closed");
    const idle = this.#waiting.size === 0 ? this.#idle.pop() : undefined;
    return idle === undefined ? this.#wait(deadline) : this.#use(idle);
  }

  /** Takes a connection back; it is used again only if it is sound and of this generation. */
  release(connection: Connection, isSound: boolean): void {
    this.#busy.delete(connection);
    if (!isSound || connection.isDead || connection.generation !== this.#generation || this.#isClosed) {
      connection.destroy(new LocalFault("RIVET_CLOSED", "the connection was given up"));
    } else {
      this.#rest(connection);
    }
    this.#serve();
  }

  /** Takes in a connection that was made elsewhere, unless there are enough. */
  adopt(connection: Connection): void {
    connection.generation = this.#generation;
    this.release(connection, this.#total() < this.#init.max);
  }

  /** From now on no connection that was made before is used again. Work that is under way on one goes on. */
  renew(): void {
    this.#generation += 1;
    for (const connection of this.#idle.splice(0)) {
      connection.destroy(new LocalFault("RIVET_CLOSED", "the connection is older than a fault"));
    }
  }

  /** Ends all connections: those at rest with a goodbye, those at work at once. */
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

  /** Who uses a connection gets its error; one that was at rest is nobody's. */
  #lose(connection: Connection, error: unknown): void {
    const at = this.#idle.indexOf(connection);
    if (at === -1) return;
    this.#idle.splice(at, 1);
    this.#init.onIdleLost(error, connection.generation);
  }

  #sweep(): void {
    this.#sweeper = undefined;
    const beforeMs = this.#init.nowMs() - IDLE_TIMEOUT_MS;
    // The one that rested longest is the first.
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
    if (this.#busy.size < max) return new LocalFault("RIVET_DEADLINE", `no connection was made in ${timeoutMs} ms`);
    return new LocalFault("RIVET_POOL_FULL", `no connection out of ${max} became free in ${timeoutMs} ms`);
  }

  /** Gives what there is to those who wait, and makes what is missing. */
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
        // While others are at work, theirs may become free; without any, all who wait wait for the same.
        if (this.#busy.size === 0) for (const waiter of this.#waiting) waiter.fail(error);
      },
    );
  }
}
