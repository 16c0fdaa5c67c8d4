import { MemoryError, withContext, type MemoryErrorCode } from "../errors/errors.ts";
import { keepAlive } from "./keep-alive.ts";
import { Lifecycle } from "./lifecycle.ts";

export type OperationKind = "read" | "write";

/** The parts of a storage that its operations need. */
export interface OperationsInit {
  readonly open: () => Promise<void>;
  readonly close: () => Promise<void>;
  /** The backend's name. */
  readonly backend: () => string;
  readonly toMemoryError: (error: unknown) => MemoryError;
}

/** Codes of failures that leave open whether a write was applied, unless the backend has set the outcome. */
const UNCERTAIN: ReadonlySet<string> = new Set<MemoryErrorCode>(["unavailable", "timeout", "unknown"]);

/**
 * Runs the public operations of a storage: `close` waits for them, the process does not end before them, and their
 * errors name the operation.
 */
export class Operations {
  readonly #init: OperationsInit;
  readonly #lifecycle: Lifecycle;

  constructor(init: OperationsInit) {
    this.#init = init;
    this.#lifecycle = new Lifecycle(init.open, init.close);
  }

  /** @throws {MemoryError} the error that `work` throws, or `closed`. */
  async run<Result>(operation: string, kind: OperationKind, work: () => Promise<Result>): Promise<Result> {
    try {
      this.#lifecycle.enter();
      keepAlive.hold();
      try {
        return await work();
      } finally {
        keepAlive.release();
        this.#lifecycle.leave();
      }
    } catch (error) {
      throw this.described(error, operation, kind);
    }
  }

  /** Runs a hook of the backend, after opening the backend if necessary. */
  use<Result>(hook: () => Promise<Result>): Promise<Result> {
    return this.#lifecycle.isOpen ? hook() : this.#lifecycle.open().then(hook);
  }

  open(): Promise<void> {
    return this.run("open", "read", () => this.#lifecycle.open());
  }

  async close(): Promise<void> {
    keepAlive.hold();
    try {
      await this.#lifecycle.close();
    } catch (error) {
      throw this.described(error, "close", "read");
    } finally {
      keepAlive.release();
    }
  }

  /** Converts any failure to a `MemoryError` with its operation and backend. */
  described(thrown: unknown, operation: string, kind: OperationKind): MemoryError {
    const error = MemoryError.isInstance(thrown) ? thrown : this.#init.toMemoryError(thrown);
    const outcome = kind === "read" ? undefined : UNCERTAIN.has(error.code) ? "unknown" : "not_applied";
    return withContext(error, { operation, backend: this.#init.backend(), outcome });
  }
}
