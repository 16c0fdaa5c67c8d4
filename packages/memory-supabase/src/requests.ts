import { MemoryError } from "@rivet/memory-core";
import { toSupabaseMemoryError, type Failure } from "./errors.ts";
import { delayMs, parseRetryAfter } from "./retry.ts";
import type { RpcClient, RpcRequest } from "./rpc-client.ts";

/** Time and chance, from outside. */
export interface Timing {
  readonly nowMs: () => number;
  /** A number from 0 to 1. */
  readonly random: () => number;
  readonly wait: (ms: number) => Promise<void>;
}

const REAL_TIMING: Timing = {
  nowMs: () => performance.now(),
  random: Math.random,
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

interface Attempt {
  readonly data: unknown;
  readonly failure: Failure | undefined;
  readonly retryAfterMs: number | undefined;
}

/**
 * Calls functions of a project. All of ours may be repeated, and are, as long as the failure may pass and time is left.
 */
export class Requests {
  readonly #client: RpcClient;
  readonly #timeoutMs: number;
  readonly #deadlineMs: number;
  readonly #timing: Timing;

  constructor(
    { client, timeoutMs, deadlineMs }: { client: RpcClient; timeoutMs: number; deadlineMs: number },
    timing: Timing = REAL_TIMING,
  ) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
    this.#deadlineMs = deadlineMs;
    this.#timing = timing;
  }

  /**
   * @param leastTimeoutMs for functions that may take longer than others.
   * @throws {MemoryError} of the last attempt. Its outcome is that of all of them.
   */
  async call(name: string, args: object, leastTimeoutMs = 0): Promise<unknown> {
    const { nowMs, random, wait } = this.#timing;
    const timeoutMs = Math.max(this.#timeoutMs, leastTimeoutMs);
    const endMs = nowMs() + Math.max(this.#deadlineMs, leastTimeoutMs);
    let mayBeApplied = false;
    for (let failed = 1; ; failed++) {
      const leftMs = Math.max(1, Math.ceil(endMs - nowMs()));
      const { data, failure, retryAfterMs } = await this.#attempt(name, args, Math.min(timeoutMs, leftMs));
      if (failure === undefined) return data;
      const error = toSupabaseMemoryError(failure);
      mayBeApplied ||= error.outcome === "unknown";
      const delay = error.retryable ? delayMs({ failed, retryAfterMs, leftMs: endMs - nowMs() }, random()) : undefined;
      if (delay === undefined) throw mayBeApplied ? maybeApplied(error) : error;
      await wait(delay);
    }
  }

  async #attempt(name: string, args: object, timeoutMs: number): Promise<Attempt> {
    const request = this.#client.rpc(name, args);
    const observed = observe(request);
    // Cheaper than `AbortSignal.timeout`, and its timer ends with the request.
    const abandonment = new AbortController();
    const { signal } = abandonment;
    const timer = setTimeout(() => abandonment.abort(), timeoutMs);
    try {
      const { data, error, status } = await request.abortSignal(signal);
      const isAnswer = error === null && status !== 204;
      const failure = { status, error: observed.thrown ?? error, isTimeout: signal.aborted };
      return {
        data,
        failure: isAnswer ? undefined : failure,
        retryAfterMs: parseRetryAfter(observed.retryAfter, Date.now()),
      };
    } catch (error) {
      // A client may be made to throw.
      const failure = { status: 0, error: observed.thrown ?? error, isTimeout: signal.aborted };
      return { data: undefined, failure, retryAfterMs: undefined };
    } finally {
      clearTimeout(timer);
    }
  }
}

/** An earlier attempt may have been applied, whatever the last one says. */
function maybeApplied({ code, message, retryable, sessionId, atomId, cause }: MemoryError): MemoryError {
  return new MemoryError({ code, message, retryable, sessionId, atomId, cause, outcome: "unknown" });
}

interface Observed {
  retryAfter: string | null;
  thrown: unknown;
}

/**
 * Looks at what a request's `fetch` gives: of a header such as `Retry-After`, and of what was thrown, the client says
 * nothing in its answer. A client that keeps its `fetch` elsewhere does without.
 */
function observe(request: RpcRequest): Observed {
  const observed: Observed = { retryAfter: null, thrown: undefined };
  if (!("fetch" in request) || typeof request.fetch !== "function") return observed;
  const original = request.fetch;
  request.fetch = async (...args: unknown[]): Promise<unknown> => {
    try {
      const response: unknown = await original(...args);
      if (response instanceof Response) observed.retryAfter = response.headers.get("retry-after");
      return response;
    } catch (error) {
      observed.thrown = error;
      throw error;
    }
  };
  return observed;
}
