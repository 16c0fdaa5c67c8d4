/** The picture of a run. Pure. */
import { NAMES } from "../cluster.ts";
import type { PlannedFault } from "./fault-plan.ts";
import type { RunResult } from "./run.ts";

/** The stores that acknowledge: the providers, and the writers' journals. */
export const STORES = [...NAMES, "local"] as const;
type Store = (typeof STORES)[number];

/** The effect of a fault on its victim. */
export type FaultClass = "gone" | "silent" | "slow" | "writer";

interface Bar {
  readonly kind: PlannedFault["kind"];
  readonly class: FaultClass;
  readonly target: string;
  /** From the start of the run. */
  readonly startMs: number;
  readonly endMs: number;
}

interface Gap {
  readonly startMs: number;
  readonly endMs: number;
}

export interface Timeline {
  /** From the start until the last fault was over, until the writers stopped, and until all was over. */
  readonly faultsMs: number;
  readonly stoppedMs: number;
  readonly endMs: number;
  readonly convergedMs: number | undefined;
  readonly bars: readonly Bar[];
  /** Acknowledged atoms by store, in slots of {@link SLOT_MS}. */
  readonly acknowledged: Readonly<Record<Store, readonly number[]>>;
  /** Times of at least {@link SHORTEST_GAP_MS} without any acknowledgement, to whichever writer. */
  readonly gaps: readonly Gap[];
}

export const SLOT_MS = 100;
export const SHORTEST_GAP_MS = 250;
/** Shown after the writers stopped, when there was no convergence. */
const AFTERMATH_MS = 2_000;

const CLASSES: Readonly<Record<PlannedFault["kind"], FaultClass>> = {
  killed: "gone",
  refused: "gone",
  reset: "gone",
  stopped: "silent",
  "black-hole": "silent",
  "swallow-replies": "silent",
  delay: "slow",
  slow: "slow",
  "writer-killed": "writer",
  "clock-skew": "writer",
};

export function timelineOf(
  result: Pick<RunResult, "startMs" | "faultsOverMs" | "stoppedMs" | "convergence" | "strikes" | "history">,
): Timeline {
  const { startMs, convergence, strikes, history } = result;
  const [faultsMs, stoppedMs] = [result.faultsOverMs - startMs, result.stoppedMs - startMs];
  const endMs =
    convergence.ms === undefined ? stoppedMs + AFTERMATH_MS : Math.max(stoppedMs, faultsMs + convergence.ms);
  const acknowledged = { neon: slots(endMs), supabase: slots(endMs), railway: slots(endMs), local: slots(endMs) };
  for (const { atMs, atoms, acceptedBy } of history.acknowledgements) {
    const slot = Math.floor((atMs - startMs) / SLOT_MS);
    for (const store of STORES) {
      const counts = acknowledged[store];
      if (acceptedBy.includes(store) && counts[slot] !== undefined) counts[slot] += atoms;
    }
  }
  const times = history.acknowledgements.map(({ atMs }) => atMs - startMs).filter((ms) => ms >= 0 && ms <= stoppedMs);
  return {
    faultsMs,
    stoppedMs,
    endMs,
    convergedMs: convergence.ms,
    bars: strikes.map(({ kind, target, ...times }) => {
      return { kind, class: CLASSES[kind], target, startMs: times.startMs - startMs, endMs: times.endMs - startMs };
    }),
    acknowledged,
    gaps: gapsBetween([0, ...times, stoppedMs].toSorted((left, right) => left - right)),
  };
}

function slots(endMs: number): number[] {
  return Array.from({ length: Math.ceil(endMs / SLOT_MS) }, () => 0);
}

function gapsBetween(times: readonly number[]): Gap[] {
  return times.flatMap((endMs, index) => {
    const startMs = times[index - 1] ?? endMs;
    return endMs - startMs >= SHORTEST_GAP_MS ? [{ startMs, endMs }] : [];
  });
}
