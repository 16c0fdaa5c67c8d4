import { MemoryError } from "../errors/errors.ts";

/**
 * The lifecycle of a storage. Opening is idempotent and may be retried after a failure. Closing waits for operations in
 * flight and is final.
 */
export class Lifecycle {
  readonly #openBackend: () => Promise<void>;
  readonly #closeBackend: () => Promise<void>;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #inFlight = 0;
  #isOpen = false;
  #onIdle: (() => void) | undefined;

  constructor(openBackend: () => Promise<void>, closeBackend: () => Promise<void>) {
    this.#openBackend = openBackend;
    this.#closeBackend = closeBackend;
  }

  /**
   * Begins an operation. `close` waits for its end, so {@link leave} has to follow.
   *
   * @throws {MemoryError} `closed` after `close` was called.
   */
  enter(): void {
    if (this.#closing !== undefined) {
      throw new MemoryError({
        code: "closed",
        message: "this storage was closed; create a new one",
        outcome: "not_applied",
      });
    }
    this.#inFlight += 1;
  }

  /** Ends an operation. */
  leave(): void {
    this.#inFlight -= 1;
    if (this.#inFlight === 0) this.#onIdle?.();
  }

  /** Whether the backend is ready, so that no operation has to wait. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Opens the backend, unless it is open or opening. */
  open(): Promise<void> {
    return (this.#opening ??= this.#open());
  }

  async #open(): Promise<void> {
    try {
      // The microtask delays even an immediate exception, so that `open` has stored the promise by then.
      await Promise.resolve().then(this.#openBackend);
      this.#isOpen = true;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    if (this.#inFlight > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    await this.#closeBackend();
  }
}
