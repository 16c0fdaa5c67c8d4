import { setTimeout as sleep } from "node:timers/promises";
import { isBusy } from "../errors.ts";

const LONGEST_PAUSE_MS = 25;

/**
 * Repeats an attempt while another process holds the file. It pauses without blocking the event loop, as SQLite's own
 * busy handler would; the pauses grow to 25 ms and are drawn at random, so that waiting processes do not march in step.
 *
 * @throws what the attempt throws: SQLITE_BUSY once `busyTimeoutMs` has passed, anything else at once.
 */
export async function retryWhileBusy<Result>(attempt: () => Result, busyTimeoutMs: number): Promise<Result> {
  const deadlineMs = performance.now() + busyTimeoutMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadlineMs) throw error;
    }
    await sleep(Math.random() * pauseMs);
  }
}

/** Repeats an attempt until it succeeds, with the same pauses. @returns whether it did before the time was over. */
export async function waitUntil(attempt: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    if (attempt()) return true;
    if (performance.now() >= deadlineMs) return false;
    await sleep(Math.random() * pauseMs);
  }
}
