import { setTimeout as delay } from "node:timers/promises";
import type { Cluster } from "./cluster.ts";
import type { Fault } from "./faults.ts";
import { Writer } from "./writer.ts";
import type { WriterSummary } from "./writer-process.ts";

export interface Trial {
  readonly longestGapMs: number;
  readonly acknowledged: number;
  /** Errors that reached the caller, and atoms that are lost, twice in a store, or still in the journal. */
  readonly problems: readonly string[];
}

/** The fault comes at any moment of a save. */
const MOMENTS_MS = 50;

export async function runTrial(cluster: Cluster, fault: Fault, random: () => number): Promise<Trial> {
  const settings = cluster.settings(fault.dwellMs);
  const writer = await Writer.start(settings);
  await delay(random() * MOMENTS_MS);
  await fault.strike(cluster, writer);
  const summary = await writer.end();
  await fault.mend(cluster);
  const stored = await cluster.idsIn(summary.sessionId, settings.journalPath);
  const acknowledged = Object.values(summary.acknowledged).reduce((sum, ids) => sum + ids.length, 0);
  return { longestGapMs: summary.longestGapMs, acknowledged, problems: problemsOf(summary, stored) };
}

function problemsOf({ acknowledged, errors }: WriterSummary, stored: ReadonlyMap<string, readonly string[]>): string[] {
  const problems = errors.map((error) => `an error reached the caller: ${error}`);
  for (const [store, ids] of stored) {
    if (new Set(ids).size < ids.length) problems.push(`${store} has an atom twice`);
  }
  for (const [store, ids] of Object.entries(acknowledged)) {
    // What the journal took has to be everywhere by now, and in the journal no more.
    const places = store === "local" ? [...stored.keys()].filter((name) => name !== "local") : [store];
    for (const place of places) {
      const there = new Set(stored.get(place));
      const lost = ids.filter((id) => !there.has(id));
      if (lost.length > 0) problems.push(`${lost.length} atoms that ${store} acknowledged are not in ${place}`);
    }
  }
  const left = stored.get("local")?.length ?? 0;
  if (left > 0) problems.push(`${left} atoms are still in the journal`);
  return problems;
}
