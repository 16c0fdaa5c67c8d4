import { MemoryError } from "./errors.ts";

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
  #onIdle: (() => void) | undefined;

  constructor(openBackend: () => Promise<void>, closeBackend: () => Promise<void>) {
    this.#openBackend = openBackend;
    this.#closeBackend = closeBackend;
  }

  /** Opens if need be, then works; `close` waits for the end of it. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#closing !== undefined) {
      throw new MemoryError({
        code: "closed",
        message: "this storage was closed; create a new one to go on",
        outcome: "not_applied",
      });
    }
    this.#inFlight += 1;
    try {
      await (this.#opening ??= this.#open());
      return await work();
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#onIdle?.();
    }
  }

  async #open(): Promise<void> {
    try {
      // In a later microtask, also when it throws at once: the caller has kept the promise by then.
      await Promise.resolve().then(this.#openBackend);
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
    if (this.#opening !== undefined) await this.#closeBackend();
  }
}
