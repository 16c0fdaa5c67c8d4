import { LocalFault } from "../errors/local-fault.ts";

/** The end of the time of a whole operation, and the signal with which its caller may end it earlier. */
export class Deadline {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  #atMs: number;
  readonly #nowMs: () => number;

  constructor(timeoutMs: number, nowMs: () => number, signal: AbortSignal | undefined) {
    this.timeoutMs = timeoutMs;
    this.signal = signal;
    this.#nowMs = nowMs;
    this.#atMs = nowMs() + timeoutMs;
  }

  /** Returns the remaining time, which is never negative. */
  remainingMs(nowMs: number = this.#nowMs()): number {
    return Math.max(0, this.#atMs - nowMs);
  }

  /** Extends the deadline by the time that bytes in transit need, which does not count. */
  extend(byMs: number): void {
    this.#atMs += byMs;
  }

  /** @throws {LocalFault} if the time is over, or the caller's signal has aborted. */
  check(signal: AbortSignal | undefined = this.signal, nowMs?: number): void {
    if (signal?.aborted === true) throw aborted(signal);
    if (this.remainingMs(nowMs) === 0) throw this.fault();
  }

  fault(): LocalFault {
    return new LocalFault("RIVET_DEADLINE", `the deadline of ${this.timeoutMs} ms passed`);
  }

  /**
   * Calls `end` once, with the reason, when the time is over or the caller's signal aborts, unless the returned
   * function is called first.
   *
   * @param allowanceMs returns the total extension of the deadline while it is watched.
   */
  watch(end: (fault: LocalFault) => void, allowanceMs: () => number = () => 0): () => void {
    const { signal } = this;
    let allowedMs = 0;
    const onTime = (): void => {
      const moreMs = this.remainingMs() > 0 ? 0 : Math.max(0, allowanceMs() - allowedMs);
      allowedMs += moreMs;
      this.extend(moreMs);
      if (this.remainingMs() === 0) finish(this.fault());
      else timer = setTimeout(onTime, Math.ceil(this.remainingMs()));
    };
    let timer = setTimeout(onTime, Math.ceil(this.remainingMs()));
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

/**
 * Resolves to the result of the work; if the time is over first, rejects with the error that `end` makes of the fault.
 */
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
