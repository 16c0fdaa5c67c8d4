import { LocalFault } from "./local-fault.ts";

/** Until when a whole operation may go on, and the signal by which its caller may end it earlier. */
export class Deadline {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly #atMs: number;
  readonly #nowMs: () => number;

  constructor(timeoutMs: number, nowMs: () => number, signal: AbortSignal | undefined) {
    this.timeoutMs = timeoutMs;
    this.signal = signal;
    this.#nowMs = nowMs;
    this.#atMs = nowMs() + timeoutMs;
  }

  /** Never negative. */
  remainingMs(nowMs: number = this.#nowMs()): number {
    return Math.max(0, this.#atMs - nowMs);
  }

  /** @throws {LocalFault} when the time is over, or the caller has given up. */
  check(signal: AbortSignal | undefined = this.signal, nowMs?: number): void {
    if (signal?.aborted === true) throw aborted(signal);
    if (this.remainingMs(nowMs) === 0) throw this.fault();
  }

  fault(): LocalFault {
    return new LocalFault("RIVET_DEADLINE", `the deadline of ${this.timeoutMs} ms passed`);
  }

  /**
   * Calls `end` once when the time is over or the caller gives up, with the reason; unless the returned function is
   * called before.
   */
  watch(end: (fault: LocalFault) => void): () => void {
    const { signal } = this;
    const timer = setTimeout(() => finish(this.fault()), Math.ceil(this.remainingMs()));
    const onAbort = (): void => {
      if (signal !== undefined) finish(aborted(signal));
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    const stop = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    const finish = (fault: LocalFault): void => {
      stop();
      end(fault);
    };
    return stop;
  }
}

/** What the work gives; or, when its time is over before, the error that `end` makes of that. */
export function within<Result>(
  deadline: Deadline,
  work: Promise<Result>,
  end: (fault: LocalFault) => Error,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stop = deadline.watch((fault) => reject(end(fault)));
    work.then(resolve, reject).finally(stop);
  });
}

export function aborted(signal: AbortSignal): LocalFault {
  return new LocalFault("RIVET_ABORTED", "the caller's signal ended the wait", signal.reason);
}
