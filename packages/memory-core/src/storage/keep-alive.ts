/**
 * Keeps the process from ending while a call is awaited.
 *
 * Node ends a process once nothing that is referenced is left, and leaves a top-level `await` unfinished then (exit code
 * 13). Backends unreference their sockets and timers, so that an open storage at rest keeps no process alive; a call
 * that waits for such a socket needs this handle beside it. Background work holds none.
 */

/** A timer that a runtime counts among the reasons to go on, or leaves out. */
interface Reference {
  ref(): unknown;
  unref(): unknown;
}

/** The longest delay of a timer. Its callback does nothing. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** One timer for any number of calls, made by the first one: counting calls costs less than 0.1 µs each. */
class KeepAlive {
  readonly #start: () => Reference | undefined;
  #reference: Reference | undefined;
  #isStarted = false;
  #calls = 0;

  /** @param start makes the timer; undefined where the runtime ends no process by itself. */
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

// Fake timers of a test that are installed later would run this one for ever.
const { setInterval, clearInterval } = globalThis;

/** The one of this process: its calls are awaited by a script that has nothing else to wait for. */
export const keepAlive = new KeepAlive(() => {
  // A request of a Worker may not hold a timer for another request, and no Worker ends with its event loop.
  if (globalThis.navigator?.userAgent === "Cloudflare-Workers") return undefined;
  const timer: unknown = setInterval(() => undefined, LONGEST_DELAY_MS);
  return isReference(timer) ? timer : denoReference(timer);
});

function isReference(timer: unknown): timer is Reference {
  return typeof timer === "object" && timer !== null && "ref" in timer && "unref" in timer;
}

/** Deno numbers its timers, and references them by its own functions. Browsers number theirs, and end no page. */
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
