import { setTimeout as delay } from "node:timers/promises";

/** Conditions come to hold in milliseconds; on a machine that is busy with other things, in many seconds. */
const LIMIT_MS = 90_000;
const INTERVAL_MS = 25;

/**
 * Waits until a check passes: until it does not throw any more. It gives up only when the check will never pass, for
 * how fast a machine is says nothing about what is tested.
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
