import { setTimeout as delay } from "node:timers/promises";
import type { Context } from "hono";
import { streamSSE, type SSEStreamingApi } from "hono/streaming";
import { toFailure } from "./failures.ts";

/** What is told live: an event is sent at once, and again whenever what is read has changed. */
export interface LiveSource {
  readonly event: string;
  read(): unknown;
  /** How long to wait before it is read again, at least. */
  readonly intervalMs: number;
}

/** Of a store's time; what takes long to read is read less often. Once is no habit: a server that dies makes one reading long. */
const LARGEST_SHARE = 0.1;

/** Tells by server-sent events what changes, until the page goes or the console closes. */
export function liveStream(context: Context, sources: readonly LiveSource[], closed: AbortSignal): Response {
  return streamSSE(context, async (stream) => {
    const gone = new AbortController();
    stream.onAbort(() => gone.abort());
    const ended = AbortSignal.any([closed, gone.signal]);
    // Each by itself: a store that does not answer holds up nobody else.
    await Promise.all(sources.map((source) => tell(stream, source, ended)));
  });
}

async function tell(stream: SSEStreamingApi, source: LiveSource, ended: AbortSignal): Promise<void> {
  const { event, intervalMs } = source;
  let last: string | undefined;
  let lastTookMs = 0;
  while (!ended.aborted) {
    const startMs = performance.now();
    const data = await readAsText(source);
    const tookMs = performance.now() - startMs;
    if (ended.aborted) return;
    if (data !== last) await stream.writeSSE({ event, data });
    last = data;
    const usualMs = Math.min(tookMs, lastTookMs);
    lastTookMs = tookMs;
    await delay(Math.max(intervalMs, usualMs / LARGEST_SHARE), undefined, { signal: ended }).catch(() => undefined);
  }
}

async function readAsText(source: LiveSource): Promise<string> {
  try {
    return JSON.stringify(await source.read());
  } catch (error) {
    return JSON.stringify(toFailure(error).body);
  }
}
