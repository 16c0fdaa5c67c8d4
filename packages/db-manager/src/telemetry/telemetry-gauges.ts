/**
 * Gauges, which are read whenever an exporter collects: connections and state of each provider, and the journal's
 * backlog.
 */
import type { BatchObservableResult, Meter } from "@opentelemetry/api";
import type { ProviderStats } from "../provider/provider-stats.ts";
import { PROVIDER_STATES } from "../provider/provider-state.ts";

export type StatsByProvider = Readonly<Record<string, Pick<ProviderStats, "state" | "pool">>>;

/** @returns a function that stops the observation. */
export function observeProviders(meter: Meter, stats: () => StatsByProvider): () => void {
  const connections = meter.createObservableUpDownCounter("db.client.connection.count", {
    description: "The number of connections that are currently in state described by the state attribute.",
    unit: "{connection}",
  });
  const pending = meter.createObservableUpDownCounter("db.client.connection.pending_requests", {
    description: "The number of current pending requests for an open connection.",
    unit: "{request}",
  });
  const states = meter.createObservableGauge("rivet.db.provider.state", {
    description: "1 for the state that the provider is in, 0 for every other one.",
    unit: "1",
  });
  const observe = (result: BatchObservableResult): void => {
    for (const [name, { state, pool }] of Object.entries(stats())) {
      const inPool = { "db.client.connection.pool.name": name };
      result.observe(connections, pool.idle, { ...inPool, "db.client.connection.state": "idle" });
      result.observe(connections, pool.total - pool.idle, { ...inPool, "db.client.connection.state": "used" });
      result.observe(pending, pool.waiting, inPool);
      for (const each of PROVIDER_STATES) {
        result.observe(states, each === state ? 1 : 0, { "rivet.provider": name, "rivet.db.provider.state": each });
      }
    }
  };
  const instruments = [connections, pending, states];
  meter.addBatchObservableCallback(observe, instruments);
  return () => meter.removeBatchObservableCallback(observe, instruments);
}

/** The atoms that wait for a provider in the local journal. */
export interface Backlog {
  /** The name of the provider. */
  readonly store: string;
  readonly atoms: number;
  readonly bytes: number;
}

/** @returns a function that stops the observation. */
export function observeBacklog(meter: Meter, read: () => Promise<readonly Backlog[]>): () => void {
  const atoms = meter.createObservableUpDownCounter("rivet.journal.atoms", {
    description: "The number of atoms that the local journal holds for the provider.",
    unit: "{atom}",
  });
  const size = meter.createObservableUpDownCounter("rivet.journal.size", {
    description: "The size of the atoms that the local journal holds for the provider.",
    unit: "By",
  });
  const observe = async (result: BatchObservableResult): Promise<void> => {
    // The code that writes to the journal reports that it cannot be read.
    for (const backlog of await read().catch(() => [])) {
      result.observe(atoms, backlog.atoms, { "rivet.provider": backlog.store });
      result.observe(size, backlog.bytes, { "rivet.provider": backlog.store });
    }
  };
  meter.addBatchObservableCallback(observe, [atoms, size]);
  return () => meter.removeBatchObservableCallback(observe, [atoms, size]);
}
