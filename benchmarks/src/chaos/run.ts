/** One run: writers at work, faults that strike, and what is there when all is over. */
import { setTimeout as delay } from "node:timers/promises";
import { DatabaseManager } from "@rivet/db-manager";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { Cluster, NAMES } from "../cluster.ts";
import { seededRandom, type Random } from "@rivet/local-servers/seeded-random";
import { writerSkews } from "./clocks.ts";
import { untilConverged, type Convergence } from "./convergence.ts";
import { planFaults } from "./fault-plan.ts";
import { FaultRunner, type Strike } from "./fault-runner.ts";
import { History } from "./history.ts";
import { clockProblems, Inspection, orderProblems, type Findings } from "./inspection.ts";
import { storedAtoms, wrongHeads } from "./stores.ts";
import { Writer } from "./writer.ts";
import type { HandedSession, WriterSettings } from "./writer-settings.ts";

export interface RunOptions {
  readonly kind: WriterSettings["kind"];
  readonly durationMs: number;
  /** It goes on beyond its duration until so many are acknowledged, as a slow machine takes longer for them. */
  readonly leastAtoms: number;
  readonly seed: number;
  readonly writers: number;
  /** For the writers' journals and what they note. */
  readonly folder: string;
}

export interface RunResult {
  /** In ms since 1970: when faults began, when the last was over, and when the writers were told to stop. */
  readonly startMs: number;
  readonly faultsOverMs: number;
  readonly stoppedMs: number;
  /** One that struck several providers at once counts once. */
  readonly faults: number;
  readonly strikes: readonly Strike[];
  readonly history: History;
  readonly findings: Findings;
  readonly convergence: Convergence;
  readonly wrongHeads: readonly string[];
  readonly disorder: readonly string[];
  readonly idsBeyondClocks: readonly string[];
  readonly writerProblems: readonly string[];
}

const PATIENCE_MS = 60_000;
/** So many times the duration, and the run ends with fewer atoms than it should have. */
const LONGEST_STRETCH = 10;
const COUNT_EVERY_MS = 5_000;
/** Loads at a time. */
const LOADS = 8;

export async function runChaos(options: RunOptions): Promise<RunResult> {
  const { kind, durationMs, seed } = options;
  const random = seededRandom(seed);
  const plan = planFaults({ random, durationMs: durationMs * LONGEST_STRETCH, writers: options.writers });
  await using cluster = await Cluster.start();
  await createTables(cluster);
  const writers = startWriters(cluster, options, random);
  try {
    await Promise.all(writers.map((writer) => writer.start()));
    const startMs = Date.now();
    const faults = new FaultRunner(cluster, writers);
    const enough = new AbortController();
    await Promise.all([faults.run(plan, enough.signal), untilEnough(writers, options).finally(() => enough.abort())]);
    const faultsOverMs = Math.max(startMs, ...faults.strikes.map(({ endMs }) => endMs));
    const stoppedMs = Date.now();
    await Promise.all(writers.map((writer) => writer.stop()));
    const journalPaths = writers.map(({ journalPath }) => journalPath);
    // By hand nothing is brought from one store to another: there is nothing to wait for.
    const standstillMs = kind === "naive" ? 0 : PATIENCE_MS;
    const convergence = await untilConverged(cluster, journalPaths, { sinceMs: faultsOverMs, standstillMs });
    await Promise.all(writers.map((writer) => writer.end()));
    const history = historyOf(writers);
    return {
      startMs,
      faultsOverMs,
      stoppedMs,
      faults: faults.begun.filter((fault) => fault.kind !== "clock-skew").length,
      strikes: faults.strikes,
      history,
      findings: await inspect(cluster, history),
      convergence,
      wrongHeads: kind === "naive" ? [] : await wrongHeads(cluster),
      idsBeyondClocks: clockProblems(history),
      disorder: kind === "naive" ? [] : orderProblems(history, await loadAll(cluster, history)),
      writerProblems: writers.flatMap(({ problems }) => problems),
    };
  } finally {
    await Promise.all(writers.map((writer) => writer.kill()));
  }
}

async function untilEnough(
  writers: readonly Writer[],
  { durationMs, leastAtoms }: Pick<RunOptions, "durationMs" | "leastAtoms">,
): Promise<void> {
  const startMs = performance.now();
  await delay(durationMs);
  while (performance.now() - startMs < durationMs * LONGEST_STRETCH) {
    if (historyOf(writers).acknowledged.size >= leastAtoms) return;
    await delay(COUNT_EVERY_MS);
  }
}

function historyOf(writers: readonly Writer[]): History {
  const history = new History();
  for (const writer of writers) history.addAll(writer.events());
  return history;
}

async function createTables(cluster: Cluster): Promise<void> {
  for (const { connectionString } of cluster.addresses({ isDirect: true })) {
    await using storage = new PostgresMemoryStorage({ connectionString });
    await storage.open();
  }
}

function startWriters(
  cluster: Cluster,
  { kind, seed, writers: count, folder }: RunOptions,
  random: Random,
): readonly Writer[] {
  const writers: Writer[] = [];
  for (const [index, skewMs] of writerSkews(random, count).entries()) {
    const number = index + 1;
    const onHand = (session: HandedSession): void => {
      const others = writers.filter((writer) => writer.number !== number && writer.isAlive);
      others[Math.floor(random() * others.length)]?.take(session);
    };
    const providers = cluster.addresses({ isDirect: false });
    const journalPath = `${folder}/journal-${number}.db`;
    const settings = { kind, number, providers, journalPath, seed, skewMs };
    writers.push(new Writer({ settings, folder, onHand }));
  }
  return writers;
}

async function inspect(cluster: Cluster, history: History): Promise<Findings> {
  const inspection = new Inspection(history, NAMES);
  for (const name of NAMES) {
    for await (const atom of storedAtoms(cluster, name)) inspection.see(name, atom);
  }
  return inspection.findings();
}

/** The ids of each session's messages, as somebody loads them who comes afterwards. */
async function loadAll(cluster: Cluster, history: History): Promise<Map<string, readonly string[]>> {
  // Nobody strikes any more: what takes long now is the machine.
  const times = { connectTimeoutMs: PATIENCE_MS, statementTimeoutMs: PATIENCE_MS };
  const providers = cluster.addresses({ isDirect: true }).map((address) => ({ ...address, ...times }));
  await using db = new DatabaseManager({ providers, operationTimeoutMs: 2 * PATIENCE_MS });
  await using storage = await new PostgresMemoryStorage({ db, local: false }).open();
  const sessionIds = new Set([...history.attempted.values()].map(({ sessionId }) => sessionId)).values();
  const loaded = new Map<string, readonly string[]>();
  const load = async (): Promise<void> => {
    for (const sessionId of sessionIds) {
      const session = await storage.loadSession(sessionId);
      if (session !== null)
        loaded.set(
          sessionId,
          [...session.history].map(({ id }) => id),
        );
    }
  };
  await Promise.all(Array.from({ length: LOADS }, load));
  return loaded;
}
