/**
 * Keeps the process from ending while a call is awaited.
 *
 * Node ends a process when no referenced handle is left, even during a top-level `await` (exit code 13). Backends
 * unreference their sockets and timers, so that an idle open storage does not keep the process alive. A call that waits
 * for such a socket therefore needs this handle. Background work holds none.
 */

/** A timer that can be counted, or not, as a reason to keep the process alive. */
interface Reference {
  ref(): unknown;
  unref(): unknown;
}

/** The longest delay of a timer. Its callback does nothing. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** One timer for any number of calls, created by the first one: counting a call costs less than 0.1 µs. */
class KeepAlive {
  readonly #start: () => Reference | undefined;
  #reference: Reference | undefined;
  #isStarted = false;
  #calls = 0;

  /** @param start Creates the timer; undefined where the runtime does not end processes by itself. */
  constructor(start: () => Reference | undefined) {
    this.#start = start;
  }

  /** Begins a call: {@link release} has to follow. */
  hold(): void {
    this.#calls += 1;
    if (this.#calls > 1) return;
    if (this.#isStarted) {
      this.#reference?.ref();
      return;
    }
    this.#isStarted = true;
    this.#reference = this.#start();
  }

  /** Ends a call. */
  release(): void {
    this.#calls -= 1;
    if (this.#calls === 0) this.#reference?.unref();
  }
}

// Kept before a test installs fake timers, which would run this timer forever.
const { setInterval, clearInterval } = globalThis;

/** The handle of this process, for scripts that wait only for calls of a storage. */
export const keepAlive = new KeepAlive(() => {
  // In a Worker, a request must not hold a timer for another request, and a Worker does not end with its event loop.
  if (globalThis.navigator?.userAgent === "Cloudflare-Workers") return undefined;
  const timer: unknown = setInterval(() => undefined, LONGEST_DELAY_MS);
  return isReference(timer) ? timer : denoReference(timer);
});

function isReference(timer: unknown): timer is Reference {
  return typeof timer === "object" && timer !== null && "ref" in timer && "unref" in timer;
}

/**
 * Deno's timers are numbers, referenced through its own functions. Browsers' timers are numbers too, but need no
 * reference.
 */
function denoReference(timer: unknown): Reference | undefined {
  const deno: unknown = Reflect.get(globalThis, "Deno");
  const [ref, unref] = ["refTimer", "unrefTimer"].map((name): unknown =>
    typeof deno === "object" && deno !== null ? Reflect.get(deno, name) : undefined,
  );
  if (typeof ref === "function" && typeof unref === "function") {
    return { ref: () => ref(timer), unref: () => unref(timer) };
  }
  if (typeof timer === "number") clearInterval(timer);
  return undefined;
}
