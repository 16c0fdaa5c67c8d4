import { MemoryError } from "@rivet/memory-core";
import { isUnforeseen, toSupabaseMemoryError, type Failure } from "../errors.ts";
import { bePatient, transferMs, type Traffic } from "./patience.ts";
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

/** A function, and what it is given. */
export interface Call {
  readonly name: string;
  readonly args: object;
}

export interface CallOptions {
  /** For functions that may take longer than others. Default: as long as all. */
  readonly leastTimeoutMs?: number;
  /**
   * The function that the first attempt calls instead, which returns nothing. If it refuses a wrong forecast, nothing
   * has been written yet.
   */
  readonly silent?: Call | undefined;
  /** Whether the same may have been applied before. Default: false. */
  readonly mayBeApplied?: boolean;
}

interface Attempt {
  readonly data: unknown;
  readonly failure: Failure | undefined;
  readonly retryAfterMs: number | undefined;
  /** The time that the request took beyond its usual limit, because of its bytes. */
  readonly prolongedMs: number;
}

interface RequestsInit {
  readonly client: RpcClient;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  readonly slowestBytesPerSecond: number;
}

/**
 * Calls functions of a project. All of ours may be repeated, and are, as long as the failure may pass and time is left.
 */
export class Requests {
  readonly #client: RpcClient;
  readonly #timeoutMs: number;
  readonly #deadlineMs: number;
  readonly #slowestBytesPerSecond: number;
  readonly #timing: Timing;
  readonly #underWay = new Set<Traffic>();

  constructor({ client, timeoutMs, deadlineMs, slowestBytesPerSecond }: RequestsInit, timing: Timing = REAL_TIMING) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
    this.#deadlineMs = deadlineMs;
    this.#slowestBytesPerSecond = slowestBytesPerSecond;
    this.#timing = timing;
  }

  /**
   * @returns undefined when the silent function has done it.
   * @throws {MemoryError} of the last attempt. Its outcome is that of all of them.
   */
  async call(name: string, args: object, options: CallOptions = {}): Promise<unknown> {
    const { leastTimeoutMs = 0, silent } = options;
    const { nowMs, random, wait } = this.#timing;
    const timeoutMs = Math.max(this.#timeoutMs, leastTimeoutMs);
    let endMs = nowMs() + Math.max(this.#deadlineMs, leastTimeoutMs);
    let mayBeApplied = options.mayBeApplied ?? false;
    for (let failed = 1; ; failed++) {
      const isSilent = failed === 1 && silent !== undefined;
      const attemptMs = Math.min(timeoutMs, Math.max(1, Math.ceil(endMs - nowMs())));
      const asked = isSilent ? silent : { name, args };
      const { data, failure, retryAfterMs, prolongedMs } = await this.#attempt(asked, isSilent, attemptMs);
      // The time that bytes on their way need does not count.
      endMs += prolongedMs;
      if (failure === undefined) return data;
      if (isSilent && isUnforeseen(failure)) continue;
      const error = toSupabaseMemoryError(failure);
      mayBeApplied ||= error.outcome === "unknown";
      const delay = error.retryable ? delayMs({ failed, retryAfterMs, leftMs: endMs - nowMs() }, random()) : undefined;
      if (delay === undefined) throw mayBeApplied ? maybeApplied(error) : error;
      await wait(delay);
    }
  }

  async #attempt({ name, args }: Call, isSilent: boolean, timeoutMs: number): Promise<Attempt> {
    const request = this.#client.rpc(name, args);
    const observed = observe(request);
    // Cheaper than `AbortSignal.timeout`, and its timer ends with the request.
    const abandonment = new AbortController();
    const { signal } = abandonment;
    let sent: number | undefined;
    const traffic: Traffic = {
      sentBytes: () => (sent ??= new TextEncoder().encode(JSON.stringify(args)).length),
      receivedBytes: () => observed.receivedBytes,
    };
    this.#underWay.add(traffic);
    const stop = bePatient({
      timeoutMs,
      allowanceMs: () => this.#allowanceMs(),
      receivedBytes: traffic.receivedBytes,
      onOver: () => abandonment.abort(),
    });
    try {
      const { data, error, status } = await request.abortSignal(signal);
      // Nothing is an answer only if it is PostgREST's, which names a range; anything in between may answer 204.
      const isEmpty = status === 204;
      const isFollowed = observed.redirection === undefined;
      const isAnswer = error === null && isFollowed && (isSilent ? isEmpty && observed.range !== null : !isEmpty);
      const failedWith = observed.redirection ?? status;
      const failure = { status: failedWith, error: observed.thrown ?? error, isTimeout: signal.aborted };
      return {
        prolongedMs: stop(),
        data: isSilent ? undefined : data,
        failure: isAnswer ? undefined : failure,
        retryAfterMs: parseRetryAfter(observed.retryAfter, Date.now()),
      };
    } catch (error) {
      // A client may be made to throw.
      const failure = { status: 0, error: observed.thrown ?? error, isTimeout: signal.aborted };
      return { data: undefined, failure, retryAfterMs: undefined, prolongedMs: stop() };
    } finally {
      stop();
      this.#underWay.delete(traffic);
    }
  }

  /** For all requests that are under way: a little waits behind a lot on the same link. */
  #allowanceMs(): number {
    let bytes = 0;
    for (const { sentBytes, receivedBytes } of this.#underWay) bytes += sentBytes() + receivedBytes();
    return transferMs(bytes, this.#slowestBytesPerSecond);
  }
}

/** An earlier attempt may have been applied, whatever the last one says. */
function maybeApplied({ code, message, retryable, sessionId, atomId, cause }: MemoryError): MemoryError {
  return new MemoryError({ code, message, retryable, sessionId, atomId, cause, outcome: "unknown" });
}

interface Observed {
  /** The `Content-Range` of the answer. */
  range: string | null;
  retryAfter: string | null;
  /** The status of an answer that leads elsewhere. */
  redirection: number | undefined;
  thrown: unknown;
  /** The bytes of the answer's body. */
  receivedBytes: number;
}

/**
 * Looks at what a request's `fetch` gives: of headers such as `Retry-After`, and of what was thrown, the client says
 * nothing in its answer. A client that keeps its `fetch` elsewhere does without.
 */
function observe(request: RpcRequest): Observed {
  const observed: Observed = {
    range: null,
    retryAfter: null,
    redirection: undefined,
    thrown: undefined,
    receivedBytes: 0,
  };
  if (!("fetch" in request) || typeof request.fetch !== "function") return observed;
  const original = request.fetch;
  request.fetch = async (url: unknown, init?: object): Promise<unknown> => {
    try {
      // Followed, a POST would become a GET, whose answer is about something else, and the key would go along.
      const response: unknown = await original(url, { ...init, redirect: "manual" });
      observed.redirection = redirectionOf(response);
      if (hasHeaders(response)) {
        observed.range = response.headers.get("content-range");
        observed.retryAfter = response.headers.get("retry-after");
      }
      return counted(response, observed);
    } catch (error) {
      observed.thrown = error;
      throw error;
    }
  };
  return observed;
}

/** Answers whose length is known to be less are not counted: they come at once. */
const COUNTED_BYTES = 64 * 1024;

/** The answer, whose body is counted as it comes. One of a `fetch` that has no streams stays as it is. */
function counted(response: unknown, observed: Observed): unknown {
  if (!(response instanceof Response) || response.body === null) return response;
  const length = response.headers.get("content-length");
  if (length !== null && Number(length) < COUNTED_BYTES) return response;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, controller) => {
      observed.receivedBytes += chunk.byteLength;
      controller.enqueue(chunk);
    },
  });
  const { status, statusText, headers } = response;
  return new Response(response.body.pipeThrough(counter), { status, statusText, headers });
}

/** A browser does not show the status of a redirection that is not followed. */
function redirectionOf(response: unknown): number | undefined {
  if (typeof response !== "object" || response === null) return undefined;
  if ("type" in response && response.type === "opaqueredirect") return 307;
  const status = "status" in response ? Number(response.status) : 0;
  return status >= 300 && status < 400 ? status : undefined;
}

/** An answer of any `fetch`: a client may bring its own, with a `Response` of its own. */
function hasHeaders(response: unknown): response is { readonly headers: Pick<Headers, "get"> } {
  if (typeof response !== "object" || response === null || !("headers" in response)) return false;
  const { headers } = response;
  return typeof headers === "object" && headers !== null && "get" in headers && typeof headers.get === "function";
}
