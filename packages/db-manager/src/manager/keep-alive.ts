/**
 * Keeps the process alive while a call is awaited. Idle sockets and background timers are unreferenced, and Node ends a
 * process (exit code 13) that waits for nothing else.
 */

/** The longest delay of a timer. The callback does nothing. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/**
 * Whether this is a Worker. There a request may not hold a timer of another request, and an idle event loop ends
 * nothing.
 */
const IS_WORKER = globalThis.navigator?.userAgent === "Cloudflare-Workers";

/** One timer for any number of calls. The first call starts it. */
class KeepAlive {
  #timer: NodeJS.Timeout | undefined;
  #calls = 0;

  /** Begins a call; {@link release} must follow. */
  hold(): void {
    this.#calls += 1;
    if (this.#calls > 1 || IS_WORKER) return;
    if (this.#timer === undefined) this.#timer = setInterval(() => undefined, LONGEST_DELAY_MS);
    else this.#timer.ref();
  }

  /** Ends a call. */
  release(): void {
    this.#calls -= 1;
    if (this.#calls === 0) this.#timer?.unref();
  }
}

export const keepAlive = new KeepAlive();
