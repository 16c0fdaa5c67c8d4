import type { Context } from "hono";
import { streamSSE, type SSEStreamingApi } from "hono/streaming";
import { RequestError } from "../failures.ts";
import { LivePoll } from "./live-poll.ts";
import type { LiveSource } from "./live-source.ts";

/** More pages than anybody looks at; each may ask for a session of its own. */
const MAX_STREAMS = 200;

/** Sends changes to pages by server-sent events. Any number of pages that show the same cost one reading. */
export class LiveHub {
  readonly #closed: AbortSignal;
  readonly #polls = new Map<string, LivePoll>();
  #streams = 0;

  constructor(closed: AbortSignal) {
    this.#closed = closed;
  }

  /**
   * The answer to a page, which ends when the page goes or the console closes.
   *
   * @throws {RequestError} 503 when too many pages are open.
   */
  stream(context: Context, sources: readonly LiveSource[]): Response {
    if (this.#streams >= MAX_STREAMS) {
      const message = `the console sends changes to ${MAX_STREAMS} pages at most; close some`;
      throw new RequestError(503, "too_many_streams", message);
    }
    this.#streams += 1;
    return streamSSE(context, async (stream) => {
      const gone = new AbortController();
      stream.onAbort(() => gone.abort());
      try {
        await this.#send(stream, sources, AbortSignal.any([this.#closed, gone.signal]));
      } finally {
        this.#streams -= 1;
      }
    });
  }

  /** A page that takes long to read is sent the latest value of each event, and none before it. */
  async #send(stream: SSEStreamingApi, sources: readonly LiveSource[], ended: AbortSignal): Promise<void> {
    const news = new Map<string, string>();
    let changed = Promise.withResolvers<void>();
    ended.addEventListener("abort", () => changed.resolve(), { once: true });
    const leave = sources.map((source) =>
      this.#join(source, (data) => {
        news.set(source.event, data);
        changed.resolve();
      }),
    );
    while (!ended.aborted) {
      await changed.promise;
      changed = Promise.withResolvers<void>();
      for (const [event, data] of news) {
        news.delete(event);
        if (!ended.aborted) await stream.writeSSE({ event, data });
      }
    }
    for (const end of leave) end();
  }

  /** @returns a function that ends it. */
  #join(source: LiveSource, listener: (data: string) => void): () => void {
    const { key } = source;
    const poll = this.#polls.get(key) ?? new LivePoll(source, () => this.#polls.size);
    this.#polls.set(key, poll);
    poll.add(listener);
    return () => {
      poll.remove(listener);
      if (poll.isIdle && this.#polls.get(key) === poll) this.#polls.delete(key);
    };
  }
}
