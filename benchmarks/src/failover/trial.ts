import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { NAMES, type Cluster } from "../cluster.ts";
import type { Random } from "@rivet/local-servers/seeded-random";
import type { Fault } from "./faults.ts";
import { journaledIds } from "./journal.ts";
import { Writer } from "./writer.ts";
import type { WriterSummary } from "./writer-process.ts";

export interface Trial {
  /** The measured value for the bar, in milliseconds; infinite if the writer died. */
  readonly measuredMs: number;
  /** The stores before and after the longest gap. */
  readonly gapPlace: string;
  readonly acknowledged: number;
  /** Errors that reached the caller. */
  readonly errors: readonly string[];
  /** Atoms that are lost, foreign or twice in a store, and what else the fault's own check found. */
  readonly problems: readonly string[];
}

/** The fault comes at any moment of a save. */
const MOMENTS_MS = 50;
/** A trial takes seconds. A writer that hangs must not hang the others. */
const LIMIT_MS = 60_000;

const DWELL_MS = 5_000;

interface TrialInit {
  readonly cluster: Cluster;
  /** For the writer's journal. */
  readonly folder: string;
  readonly fault: Fault;
  readonly random: Random;
}

export async function runTrial({ cluster, folder, fault, random }: TrialInit): Promise<Trial> {
  const { isDirect = false, dwellMs = DWELL_MS } = fault;
  const providers = cluster.addresses({ isDirect });
  const writer = new Writer({ providers, dwellMs, journalPath: `${folder}/${randomUUID()}.db` });
  const timer = setTimeout(() => writer.kill(`it was not done after ${LIMIT_MS} ms`), LIMIT_MS);
  let told: Told;
  try {
    told = await strike(cluster, fault, writer, random() * MOMENTS_MS);
  } catch (error) {
    writer.kill("the trial failed");
    return { measuredMs: Infinity, gapPlace: "", acknowledged: 0, errors: [], problems: [String(error)] };
  } finally {
    clearTimeout(timer);
    await fault.mend(cluster);
  }
  return judge(cluster, fault, writer, told);
}

interface Told {
  readonly summary: WriterSummary;
  readonly returnMs: number | undefined;
}

async function strike(cluster: Cluster, fault: Fault, writer: Writer, momentMs: number): Promise<Told> {
  await writer.untilReady();
  await delay(momentMs);
  await fault.strike(cluster, writer);
  const returnMs = await fault.timeReturn?.(cluster, writer);
  return { returnMs, summary: await writer.end() };
}

async function judge(cluster: Cluster, fault: Fault, writer: Writer, { summary, returnMs }: Told): Promise<Trial> {
  const { sessionId, acknowledged, longestGap, errors } = summary;
  const stored = await messageIds(cluster, sessionId);
  stored.set("local", await journaledIds(writer.settings.journalPath));
  return {
    measuredMs: returnMs ?? longestGap.ms,
    gapPlace: `from ${longestGap.from} to ${longestGap.to}`,
    acknowledged: Object.values(acknowledged).reduce((sum, ids) => sum + ids.length, 0),
    errors,
    problems: [...problemsOf(summary, stored), ...(fault.check?.(summary, stored) ?? [])],
  };
}

/** The ids of a session's messages, by provider. */
async function messageIds(cluster: Cluster, sessionId: string): Promise<Map<string, string[]>> {
  const text = "SELECT id FROM session_memories WHERE session_id = $1 AND memory_type LIKE 'message%'";
  const ids = NAMES.map(async (name): Promise<[string, string[]]> => {
    const rows = await cluster.rows(name, text, [sessionId]);
    return [name, rows.map(({ id }) => String(id))];
  });
  return new Map(await Promise.all(ids));
}

function problemsOf(
  { acknowledged, created }: WriterSummary,
  stored: ReadonlyMap<string, readonly string[]>,
): string[] {
  const problems: string[] = [];
  const known = new Set(created);
  for (const [store, ids] of stored) {
    if (new Set(ids).size < ids.length) problems.push(`${store} has an atom twice`);
    // A turn that was written again with other ids would be twice in what a user reads.
    const foreign = ids.filter((id) => !known.has(id));
    if (foreign.length > 0) problems.push(`${store} has ${foreign.length} atoms that the writer did not make`);
  }
  const journaled = new Set(stored.get("local"));
  for (const [store, ids] of Object.entries(acknowledged)) {
    // What the journal took stays in it until all providers have it.
    const places = store === "local" ? NAMES : [store];
    for (const place of places) {
      const there = new Set(stored.get(place));
      const lost = ids.filter((id) => !there.has(id) && !(store === "local" && journaled.has(id)));
      if (lost.length > 0) problems.push(`${lost.length} atoms that ${store} acknowledged are not in ${place}`);
    }
  }
  return problems;
}
