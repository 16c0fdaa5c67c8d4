import { setTimeout as delay } from "node:timers/promises";
import type { Cluster } from "../cluster.ts";
import { differences, undelivered } from "./stores.ts";

export interface Convergence {
  /** From the end of the last fault until everything was everywhere; undefined when it was given up. */
  readonly ms: number | undefined;
  /** What was still on its way, and what was not the same, at the last look. */
  readonly undelivered: readonly string[];
  readonly differences: readonly string[];
}

const LOOK_EVERY_MS = 50;

/** Waits until nothing is on its way any more and all stores are the same. */
export async function untilConverged(
  cluster: Cluster,
  journalPaths: readonly string[],
  { sinceMs, limitMs }: { readonly sinceMs: number; readonly limitMs: number },
): Promise<Convergence> {
  for (;;) {
    const lookedAtMs = Date.now();
    const isLast = lookedAtMs - sinceMs >= limitMs;
    const found = await look(cluster, journalPaths, isLast);
    const isDone = found.undelivered.length + found.differences.length === 0;
    if (isDone) return { ms: lookedAtMs - sinceMs, ...found };
    if (isLast) return { ms: undefined, ...found };
    await delay(LOOK_EVERY_MS);
  }
}

async function look(
  cluster: Cluster,
  journalPaths: readonly string[],
  isThorough: boolean,
): Promise<Omit<Convergence, "ms">> {
  const onItsWay = await undelivered(cluster, journalPaths);
  // All rows are not read while it is known that they cannot be the same.
  const isWorthwhile = isThorough || onItsWay.length === 0;
  return { undelivered: onItsWay, differences: isWorthwhile ? await differences(cluster) : [] };
}
