import { MemoryError } from "../errors/errors.ts";

/**
 * When a storage may be used. Opening is idempotent and may be retried after a failure; closing waits for what is in
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
   * Begins an operation, for whose end `close` waits: {@link leave} has to follow.
   *
   * @throws {MemoryError} `closed` once `close` was called.
   */
  enter(): void {
    if (this.#closing !== undefined) {
      throw new MemoryError({
        code: "closed",
        message: "this storage was closed; create a new one to go on",
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

  /** Whether the backend is ready, so that nothing has to be waited for. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Opens the backend, unless it is open or about to be. */
  open(): Promise<void> {
    return (this.#opening ??= this.#open());
  }

  async #open(): Promise<void> {
    try {
      // In a later microtask, also when it throws at once: `open` has kept the promise by then.
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
