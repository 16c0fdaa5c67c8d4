/** Which faults strike when: decided before the run, by the seed alone. */
import { NAMES, type Name } from "../cluster.ts";
import type { Random } from "../random.ts";

export const PROVIDER_FAULTS = [
  "killed",
  "stopped",
  "refused",
  "reset",
  "black-hole",
  "swallow-replies",
  "delay",
] as const;
export type ProviderFaultKind = (typeof PROVIDER_FAULTS)[number];

interface Window {
  /** From the start of the run. */
  readonly startMs: number;
  readonly endMs: number;
}

/** The same strikes one provider, two, or all at once. */
export interface ProviderFault extends Window {
  readonly kind: ProviderFaultKind;
  readonly providers: readonly Name[];
  /** How late everything arrives, where it is a delay. */
  readonly delayMs: number;
}

export interface WriterKill extends Window {
  readonly kind: "writer-killed";
  readonly writer: number;
}

/** Not one of the faults that are counted: a clock that is wrong is no outage. */
export interface ClockSkew extends Window {
  readonly kind: "clock-skew";
  readonly writer: number;
  readonly skewMs: number;
}

export type PlannedFault = ProviderFault | WriterKill | ClockSkew;

export const MAX_SKEW_MS = 5 * 60_000;

/** Faults come in storms, and between them there is time to come back. */
const STORM_MS = 5_000;
const CALM_MS = 3_000;
const FIRST_MS = 500;
/** Before the end, so that those that last longer end in time too. */
const LAST_MS = 1_000;
const KILL_SHARE = 0.06;
const SKEW_SHARE = 0.04;
const LONGEST_DELAY_MS = 400;

export interface PlanInit {
  readonly random: Random;
  readonly durationMs: number;
  readonly writers: number;
}

/** In the order of their starts. No two strike the same provider, or the same writer, at the same time. */
export function planFaults({ random, durationMs, writers }: PlanInit): PlannedFault[] {
  const plan: PlannedFault[] = [];
  const freeFromMs = new Map<string, number>();
  const isFree = (target: string, startMs: number): boolean => (freeFromMs.get(target) ?? 0) <= startMs;
  for (let startMs = FIRST_MS; startMs < durationMs - LAST_MS; startMs += distanceMs(startMs, random)) {
    const window = { startMs, endMs: Math.min(durationMs, startMs + lengthMs(random)) };
    const providers = shuffled(NAMES, random).filter((name) => isFree(name, startMs));
    const writer = 1 + Math.floor(random() * writers);
    const fault = chooseFault({ ...window, providers, writer, random });
    const targets = "writer" in fault ? [`writer ${fault.writer}`] : fault.providers;
    if (targets.length === 0 || !targets.every((target) => isFree(target, startMs))) continue;
    for (const target of targets) freeFromMs.set(target, window.endMs);
    plan.push(fault);
  }
  return plan;
}

interface Choice extends Window {
  /** Those that are free, in any order. */
  readonly providers: readonly Name[];
  readonly writer: number;
  readonly random: Random;
}

function chooseFault({ startMs, endMs, providers, writer, random }: Choice): PlannedFault {
  const share = random();
  if (share < KILL_SHARE) return { kind: "writer-killed", startMs, endMs, writer };
  if (share < KILL_SHARE + SKEW_SHARE) {
    return { kind: "clock-skew", startMs, endMs, writer, skewMs: skew(random) };
  }
  const kind = PROVIDER_FAULTS[Math.floor(random() * PROVIDER_FAULTS.length)] ?? "killed";
  return {
    kind,
    startMs,
    // New connections pass at once.
    endMs: kind === "reset" ? startMs : endMs,
    providers: providers.slice(0, providersAtOnce(random)),
    delayMs: 50 + random() * LONGEST_DELAY_MS,
  };
}

/** Up to five minutes ahead or behind. */
export function skew(random: Random): number {
  return Math.round((random() * 2 - 1) * MAX_SKEW_MS);
}

function providersAtOnce(random: Random): number {
  const share = random();
  return share < 0.7 ? 1 : share < 0.87 ? 2 : NAMES.length;
}

function distanceMs(startMs: number, random: Random): number {
  const isStorm = startMs % (STORM_MS + CALM_MS) < STORM_MS;
  return isStorm ? 80 + random() * 400 : 600 + random() * 1_000;
}

/** Most faults are short; some last longer than all time-outs together. */
function lengthMs(random: Random): number {
  const share = random();
  if (share < 0.75) return 100 + random() * 700;
  return share < 0.93 ? 800 + random() * 1_200 : 2_000 + random() * 2_000;
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  return items
    .map((item) => ({ item, place: random() }))
    .toSorted((left, right) => left.place - right.place)
    .map(({ item }) => item);
}
