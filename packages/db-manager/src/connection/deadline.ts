import { LocalFault } from "../errors/local-fault.ts";

/** Until when a whole operation may go on, and the signal by which its caller may end it earlier. */
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

  /** Never negative. */
  remainingMs(nowMs: number = this.#nowMs()): number {
    return Math.max(0, this.#atMs - nowMs);
  }

  /** Puts it off: what bytes need that are on their way does not count. */
  extend(byMs: number): void {
    this.#atMs += byMs;
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
   *
   * @param allowanceMs by how much the deadline is put off, in all, while this is watched.
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
