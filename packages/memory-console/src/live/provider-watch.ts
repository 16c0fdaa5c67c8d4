import type { ProviderEvents, ProviderManager, ReplicationStatus } from "../reading/storage.ts";
import type { ProviderEventKind, ProviderEventView, ProvidersView, ProviderView, StateSpan } from "../wire.ts";

const SAMPLE_INTERVAL_MS = 1_000;
const SAMPLES = 120;
const EVENTS = 200;
/** State changes of one provider that are remembered. */
const SPANS = 500;

interface Watched {
  readonly latencies: (number | null)[];
  readonly states: StateSpan[];
}

/** Remembers what happens to the providers while the console runs, for a manager keeps no history. */
export class ProviderWatch {
  readonly #manager: ProviderManager;
  readonly #nowMs: () => number;
  readonly #startedMs: number;
  readonly #watched = new Map<string, Watched>();
  readonly #events: ProviderEventView[] = [];
  readonly #timer: NodeJS.Timeout;
  readonly #listeners: { [Name in keyof ProviderEvents]: (...event: ProviderEvents[Name]) => void } = {
    stateChange: ({ provider, from, to, error }) => {
      this.#enter(provider, to);
      this.#note("stateChange", provider, `${from} → ${to}`, error);
    },
    failover: ({ from, to, error }) => this.#note("failover", to, `takes over from ${from}`, error),
    failback: ({ from, to, error }) => this.#note("failback", to, `takes the work back from ${from}`, error),
    error: (error) => this.#note("error", error.provider ?? "", "failed in the background", error),
  };

  constructor(manager: ProviderManager, nowMs: () => number) {
    this.#manager = manager;
    this.#nowMs = nowMs;
    this.#startedMs = nowMs();
    for (const [name, { state, since }] of Object.entries(manager.getProviderStats())) {
      this.#watched.set(name, { latencies: [], states: [{ state, sinceMs: since.getTime() }] });
    }
    manager.on("stateChange", this.#listeners.stateChange);
    manager.on("failover", this.#listeners.failover);
    manager.on("failback", this.#listeners.failback);
    manager.on("error", this.#listeners.error);
    this.#timer = setInterval(() => this.#sample(), SAMPLE_INTERVAL_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#manager.off("stateChange", this.#listeners.stateChange);
    this.#manager.off("failover", this.#listeners.failover);
    this.#manager.off("failback", this.#listeners.failback);
    this.#manager.off("error", this.#listeners.error);
  }

  /** @param replication what is on its way between the providers, or why that could not be found out. */
  view(replication: ReplicationStatus | Error | undefined): ProvidersView {
    const isKnown = replication !== undefined && !(replication instanceof Error);
    return {
      nowMs: this.#nowMs(),
      startedMs: this.#startedMs,
      providers: this.#providers(),
      events: this.#events.toReversed(),
      pairs: isKnown ? replication.pairs.map(toPairView) : [],
      unreachable: isKnown ? replication.unreachable : [],
      journal: isKnown ? (replication.journal ?? []).map(toJournalView) : [],
      ...(replication instanceof Error ? { replicationError: replication.message } : {}),
    };
  }

  #providers(): ProviderView[] {
    const { provider: active, preferred } = this.#manager;
    return Object.entries(this.#manager.getProviderStats()).map(([name, stats]) => {
      const { host, state, since, latencyMs, pool, hedges, failovers, lastError } = stats;
      const { latencies = [], states = [] } = this.#watched.get(name) ?? {};
      return {
        name,
        host,
        state,
        since: since.toISOString(),
        isActive: name === active,
        isPreferred: name === preferred,
        ...(latencyMs.p50 === undefined ? {} : { p50Ms: latencyMs.p50 }),
        ...(latencyMs.p99 === undefined ? {} : { p99Ms: latencyMs.p99 }),
        connections: pool,
        hedges,
        failovers,
        ...(lastError === undefined
          ? {}
          : { lastError: { at: lastError.at.toISOString(), code: lastError.code, message: lastError.message } }),
        latencies: [...latencies],
        states: [...states],
      };
    });
  }

  #sample(): void {
    for (const [name, { latencyMs, state }] of Object.entries(this.#manager.getProviderStats())) {
      const latencies = this.#watched.get(name)?.latencies ?? [];
      latencies.push(state === "up" || state === "suspect" ? (latencyMs.p50 ?? null) : null);
      if (latencies.length > SAMPLES) latencies.shift();
    }
  }

  #enter(provider: string, state: string): void {
    const states = this.#watched.get(provider)?.states ?? [];
    states.push({ state, sinceMs: this.#nowMs() });
    if (states.length > SPANS) states.shift();
  }

  #note(kind: ProviderEventKind, provider: string, what: string, error: Error | undefined): void {
    const text = error === undefined ? what : `${what}: ${error.message}`;
    this.#events.push({ atMs: this.#nowMs(), kind, provider, text });
    if (this.#events.length > EVENTS) this.#events.shift();
  }
}

function toJournalView({
  to,
  atoms,
  bytes,
  oldestAtomAgeMs,
}: NonNullable<ReplicationStatus["journal"]>[number]): ProvidersView["journal"][number] {
  return { to, atoms, bytes, ...(oldestAtomAgeMs === undefined ? {} : { oldestAtomAgeMs }) };
}

function toPairView(pair: ReplicationStatus["pairs"][number]): ProvidersView["pairs"][number] {
  const { from, to, hints, needsRepair, deadLetters, oldestHintAgeMs, lastDrainAt, lastRepairAt } = pair;
  return {
    from,
    to,
    hints,
    needsRepair,
    deadLetters,
    ...(oldestHintAgeMs === undefined ? {} : { oldestHintAgeMs }),
    ...(lastDrainAt === undefined ? {} : { lastDrainAt: lastDrainAt.toISOString() }),
    ...(lastRepairAt === undefined ? {} : { lastRepairAt: lastRepairAt.toISOString() }),
  };
}
