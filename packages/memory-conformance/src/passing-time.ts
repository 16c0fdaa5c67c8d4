import { AtomClock } from "@rivet/memory-core";

export const START_MS = Date.UTC(2026, 0);
export const DAY_MS = 24 * 60 * 60 * 1000;

/** A clock that advances only when `pass` is called. */
export function clockAt(startMs: number): { clock: AtomClock; pass: (durationMs: number) => void } {
  let nowMs = startMs;
  const clock = new AtomClock({ now: () => nowMs });
  return { clock, pass: (durationMs) => (nowMs += durationMs) };
}
