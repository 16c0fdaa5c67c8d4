/**
 * Keeps the process from ending while a call is awaited: sockets at rest and timers of the background are unreferenced,
 * and Node ends a process (exit code 13) that waits for nothing else.
 */

/** The longest delay of a timer. Its callback does nothing. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** A request of a Worker may not hold a timer for another request, and no Worker ends with its event loop. */
const IS_WORKER = globalThis.navigator?.userAgent === "Cloudflare-Workers";

/** One timer for any number of calls, made by the first one. */
class KeepAlive {
  #timer: NodeJS.Timeout | undefined;
  #calls = 0;

  /** Begins a call: {@link release} has to follow. */
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
