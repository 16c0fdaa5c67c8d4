/** A time-out for answers that is extended while bytes move. It knows nothing of connections or statements. */

export interface SilenceInit {
  /** The longest silence. */
  readonly timeoutMs: number;
  /** Returns the extra time for the bytes in transit. It is called again after each wait. */
  readonly allowanceMs: () => number;
  /** Returns a number that changes whenever bytes of the statement or of its answer move. */
  readonly movement: () => number;
  /** Called with the extra time beyond `timeoutMs`, each time that the wait is extended. */
  readonly onProlonged: (ms: number) => void;
  /** Called once, with the length of the wait in milliseconds. */
  readonly onOver: (waitedMs: number) => void;
}

/**
 * Starts a timer that restarts whenever bytes have moved. It counts its waits instead of reading a clock, because a
 * busy process or a sleeping machine does not wait for the server.
 *
 * @returns a function that stops the timer.
 */
export function watchSilence(init: SilenceInit): () => void {
  const { timeoutMs, allowanceMs, movement, onProlonged, onOver } = init;
  // The byte counts are first read half-way: most statements are answered before, and need no reading.
  const halfMs = Math.max(1, Math.floor(timeoutMs / 2));
  let [waitedMs, silentMs] = [0, 0];
  let moved: number | undefined;
  const wait = (ms: number): NodeJS.Timeout => setTimeout(look, ms, ms);
  const look = (ms: number): void => {
    waitedMs += ms;
    silentMs += ms;
    const now = movement();
    if (moved !== undefined && moved !== now) silentMs = 0;
    moved = now;
    const leftMs = timeoutMs + (silentMs < timeoutMs ? 0 : allowanceMs()) - silentMs;
    if (leftMs <= 0) return onOver(waitedMs);
    const nextMs = Math.max(1, Math.min(halfMs, Math.ceil(leftMs)));
    if (waitedMs + nextMs > timeoutMs) onProlonged(Math.min(nextMs, waitedMs + nextMs - timeoutMs));
    timer = wait(nextMs);
  };
  let timer = wait(halfMs);
  return () => clearTimeout(timer);
}
