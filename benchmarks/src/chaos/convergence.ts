import { setTimeout as delay } from "node:timers/promises";
import type { Cluster } from "../cluster.ts";
import { differences, hinted, journaled, repairMarks, type Backlog } from "./stores.ts";

export interface Convergence {
  /** From the end of the last fault until everything was everywhere; undefined when it was given up. */
  readonly ms: number | undefined;
  /** From then until no hint, and nothing in a journal, was left. */
  readonly hintsMs: number;
  readonly journalsMs: number;
  /** The undelivered rows and the differences at the last look. */
  readonly undelivered: readonly string[];
  readonly differences: readonly string[];
  /** The differences that no hint, journal or repair mark explains, and that nothing would have delivered. */
  readonly forgotten: readonly string[];
}

const LOOK_EVERY_MS = 50;
/**
 * One look reads the stores one after the other, while rows move between them; so many in a row do not miss the same
 * ones.
 */
const LOOKS_UNTIL_FORGOTTEN = 3;

interface Patience {
  /** The end of the last fault, in ms since 1970. */
  readonly sinceMs: number;
  /** The time without progress before the run gives up. A busy machine delivers slowly, but it delivers. */
  readonly standstillMs: number;
}

/** Waits until nothing is on its way any more and all stores are the same. */
export async function untilConverged(
  cluster: Cluster,
  journalPaths: readonly string[],
  { sinceMs, standstillMs }: Patience,
): Promise<Convergence> {
  let [hintsMs, journalsMs] = [0, 0];
  let [leastRows, movedMs] = [Infinity, 0];
  let [looks, forgotten] = [0, new Array<string>()];
  for (;;) {
    const ms = Date.now() - sinceMs;
    const [hints, journals] = [await hinted(cluster), journalPaths.flatMap(journaled)];
    if (hints.length > 0) hintsMs = ms;
    if (journals.length > 0) journalsMs = ms;
    const backlog = [...hints, ...journals];
    const rows = rowsOf(backlog);
    if (rows < leastRows) [leastRows, movedMs] = [rows, ms];
    const undelivered = backlog.map(({ text }) => text);
    const isLast = ms - movedMs >= standstillMs;
    // All rows are not read while it is known that they cannot be the same.
    const different = isLast || undelivered.length === 0 ? await differences(cluster) : undelivered;
    const isUnannounced = undelivered.length === 0 && different.length > 0 && (await repairMarks(cluster)) === 0;
    looks = isUnannounced ? looks + 1 : 0;
    if (looks === LOOKS_UNTIL_FORGOTTEN) forgotten = different;
    if (different.length === 0) return { ms, hintsMs, journalsMs, undelivered, differences: [], forgotten };
    if (isLast) return { ms: undefined, hintsMs, journalsMs, undelivered, differences: different, forgotten };
    await delay(LOOK_EVERY_MS);
  }
}

function rowsOf(backlog: readonly Backlog[]): number {
  return backlog.reduce((sum, { rows }) => sum + rows, 0);
}
