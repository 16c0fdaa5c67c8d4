/** Waits for an answer as long as there is reason to. */

export interface SilenceInit {
  /** How long nothing may happen. */
  readonly timeoutMs: number;
  /** How much longer, for the bytes that are on their way. It is asked again after each wait. */
  readonly allowanceMs: () => number;
  /** Changes whenever bytes of the statement or of its answer move. */
  readonly movement: () => number;
  /** Told how much longer than `timeoutMs` the wait lasts, each time that it is prolonged. */
  readonly onProlonged: (ms: number) => void;
  /** Called once, with the length of the wait in milliseconds. */
  readonly onOver: (waitedMs: number) => void;
}

/**
 * A timer that begins anew whenever bytes have moved. Its waits are counted, and not read from a clock: a process that was
 * busy, or a machine that slept, has not waited for the server meanwhile.
 *
 * @returns ends it.
 */
export function watchSilence(init: SilenceInit): () => void {
  const { timeoutMs, allowanceMs, movement, onProlonged, onOver } = init;
  // Where the bytes stand is looked at half-way: most statements have been answered by then, and cost no look.
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
