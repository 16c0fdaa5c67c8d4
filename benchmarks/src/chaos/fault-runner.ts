import { setTimeout as delay } from "node:timers/promises";
import type { Cluster, Name } from "../cluster.ts";
import type { PlannedFault, ProviderFault } from "./fault-plan.ts";
import type { Writer } from "./writer.ts";

/** A fault of one provider or writer, with its times in milliseconds since 1970. A server takes time to start again. */
export interface Strike {
  readonly kind: PlannedFault["kind"];
  readonly target: string;
  readonly startMs: number;
  readonly endMs: number;
}

interface Action {
  readonly begin: () => Promise<void> | void;
  readonly end: () => Promise<void> | void;
}

/** Does what is planned, each fault at its time, or as soon as the one before it on the same target is over. */
export class FaultRunner {
  readonly strikes: Strike[] = [];
  readonly begun: PlannedFault[] = [];
  readonly #cluster: Cluster;
  readonly #writers: readonly Writer[];
  readonly #lanes = new Map<string, Promise<void>>();

  constructor(cluster: Cluster, writers: readonly Writer[]) {
    this.#cluster = cluster;
    this.#writers = writers;
  }

  /** Begins faults until it is told that these are enough. @returns when all are over that it began. */
  async run(plan: readonly PlannedFault[], enough: AbortSignal): Promise<void> {
    const startMs = performance.now();
    for (const fault of plan) {
      const untilMs = Math.max(0, startMs + fault.startMs - performance.now());
      await delay(untilMs, undefined, { signal: enough }).catch(() => undefined);
      if (enough.aborted) break;
      this.begun.push(fault);
      for (const [target, action] of this.#actionsOf(fault)) this.#strike(fault, target, action);
    }
    await Promise.all(this.#lanes.values());
  }

  #strike({ kind, startMs, endMs }: PlannedFault, target: string, { begin, end }: Action): void {
    const before = this.#lanes.get(target);
    const strike = async (): Promise<void> => {
      await before;
      const fromMs = Date.now();
      await begin();
      await delay(endMs - startMs);
      await end();
      this.strikes.push({ kind, target, startMs: fromMs, endMs: Date.now() });
    };
    const lane = strike();
    // Who waits for all of them at the end hears of it.
    lane.catch(() => undefined);
    this.#lanes.set(target, lane);
  }

  #actionsOf(fault: PlannedFault): [string, Action][] {
    if (!("writer" in fault)) return fault.providers.map((name) => [name, this.#providerAction(fault, name)]);
    const writer = this.#writers.find(({ number }) => number === fault.writer);
    if (writer === undefined) return [];
    const target = `writer ${writer.number}`;
    if (fault.kind === "writer-killed") return [[target, { begin: () => writer.kill(), end: () => writer.start() }]];
    const { skewMs } = writer;
    return [[target, { begin: () => writer.skew(fault.skewMs), end: () => writer.skew(skewMs) }]];
  }

  #providerAction({ kind, delayMs, bytesPerSecond }: ProviderFault, name: Name): Action {
    const [server, proxy] = [this.#cluster.server(name), this.#cluster.proxy(name)];
    const pass = (): void => proxy.setMode("pass");
    switch (kind) {
      case "killed":
        return { begin: () => server.stop("kill"), end: () => server.start() };
      case "stopped":
        return { begin: () => server.pause(), end: () => server.resume() };
      case "refused":
        return { begin: () => proxy.setMode("refuse"), end: pass };
      default:
        return { begin: () => proxy.setMode(kind, { delayMs, bytesPerSecond }), end: pass };
    }
  }
}
