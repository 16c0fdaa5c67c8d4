import { setTimeout as delay } from "node:timers/promises";

/** The time limit. Conditions usually hold within milliseconds; on a busy machine, they may take many seconds. */
const LIMIT_MS = 90_000;
const INTERVAL_MS = 25;

/**
 * Waits until a check no longer throws. The limit is long, so that a slow machine does not fail a test.
 *
 * @throws the error of the last check, after a minute and a half.
 * @example
 * await until(() => expect(db.provider).toBe("neon"));
 */
export async function until<Result>(
  check: () => Result | Promise<Result>,
  { intervalMs = INTERVAL_MS }: { readonly intervalMs?: number } = {},
): Promise<Result> {
  const endMs = performance.now() + LIMIT_MS;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() >= endMs) throw error;
    }
    await delay(intervalMs);
  }
}
