/** The plan of faults, decided before the run by the seed alone. */
import { NAMES, type Name } from "../cluster.ts";
import type { Random } from "@rivet/local-servers/seeded-random";
import { skew } from "./clocks.ts";

export const PROVIDER_FAULTS = [
  "killed",
  "stopped",
  "refused",
  "reset",
  "black-hole",
  "swallow-replies",
  "delay",
  "slow",
] as const;
type ProviderFaultKind = (typeof PROVIDER_FAULTS)[number];

interface Window {
  /** From the start of the run. */
  readonly startMs: number;
  readonly endMs: number;
}

/** The same strikes one provider, two, or all at once. */
export interface ProviderFault extends Window {
  readonly kind: ProviderFaultKind;
  readonly providers: readonly Name[];
  /** The delay, if the fault is a delay. */
  readonly delayMs: number;
  /** The speed in each direction, if the link is slow. */
  readonly bytesPerSecond: number;
}

interface WriterKill extends Window {
  readonly kind: "writer-killed";
  readonly writer: number;
}

/** Not one of the faults that are counted: a clock that is wrong is no outage. */
interface ClockSkew extends Window {
  readonly kind: "clock-skew";
  readonly writer: number;
  readonly skewMs: number;
}

export type PlannedFault = ProviderFault | WriterKill | ClockSkew;

/** Faults come in storms, and between them there is time to come back. */
const STORM_MS = 5_000;
const CALM_MS = 3_000;
const FIRST_MS = 500;
/** Before the end, so that those that last longer end in time too. */
const LAST_MS = 1_000;
const KILL_SHARE = 0.06;
const SKEW_SHARE = 0.04;
const SHORTEST_DELAY_MS = 20;
const LONGEST_DELAY_MS = 200;
/** A large atom takes from a third of a second to two seconds over these. */
const SLOWEST_LINK = 512 * 1024;
const FASTEST_LINK = 4 * 1024 * 1024;

interface PlanInit {
  readonly random: Random;
  readonly durationMs: number;
  readonly writers: number;
}

/** In the order of their starts. No two strike the same provider, or the same writer, at the same time. */
export function planFaults({ random, durationMs, writers }: PlanInit): PlannedFault[] {
  const plan: PlannedFault[] = [];
  const freeFromMs = new Map<string, number>();
  for (let nowMs = FIRST_MS; nowMs < durationMs - LAST_MS; nowMs += distanceMs(nowMs, random)) {
    // Those that are free come first.
    const waitMs = (target: string): number => Math.max(0, (freeFromMs.get(target) ?? 0) - nowMs);
    const providers = shuffled(NAMES, random).toSorted((left, right) => waitMs(left) - waitMs(right));
    const target = chooseTarget(random, providers, 1 + Math.floor(random() * writers));
    const names = "writer" in target ? [`writer ${target.writer}`] : target.providers;
    const startMs = nowMs + Math.max(...names.map(waitMs));
    // All at once are worth waiting for; waiting for others too would leave no calm.
    if (startMs > nowMs && names.length < NAMES.length) continue;
    const endMs = Math.min(durationMs, startMs + (target.kind === "reset" ? 0 : lengthMs(random)));
    if (startMs >= durationMs - LAST_MS) continue;
    for (const name of names) freeFromMs.set(name, endMs);
    plan.push({ ...target, startMs, endMs });
  }
  return plan.toSorted((left, right) => left.startMs - right.startMs);
}

type Target = Omit<ProviderFault, keyof Window> | Omit<WriterKill, keyof Window> | Omit<ClockSkew, keyof Window>;

function chooseTarget(random: Random, providers: readonly Name[], writer: number): Target {
  const share = random();
  if (share < KILL_SHARE) return { kind: "writer-killed", writer };
  if (share < KILL_SHARE + SKEW_SHARE) return { kind: "clock-skew", writer, skewMs: skew(random) };
  return {
    kind: PROVIDER_FAULTS[Math.floor(random() * PROVIDER_FAULTS.length)] ?? "killed",
    providers: providers.slice(0, providersAtOnce(random)),
    delayMs: Math.round(SHORTEST_DELAY_MS + random() * (LONGEST_DELAY_MS - SHORTEST_DELAY_MS)),
    bytesPerSecond: Math.round(SLOWEST_LINK + random() * (FASTEST_LINK - SLOWEST_LINK)),
  };
}

function providersAtOnce(random: Random): number {
  const share = random();
  return share < 0.78 ? 1 : share < 0.94 ? 2 : NAMES.length;
}

function distanceMs(startMs: number, random: Random): number {
  const isStorm = startMs % (STORM_MS + CALM_MS) < STORM_MS;
  return isStorm ? 60 + random() * 220 : 500 + random() * 700;
}

/** Most faults are short; some last longer than all time-outs together. */
function lengthMs(random: Random): number {
  const share = random();
  if (share < 0.78) return 100 + random() * 700;
  return share < 0.95 ? 800 + random() * 1_200 : 2_000 + random() * 2_000;
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  return items
    .map((item) => ({ item, place: random() }))
    .toSorted((left, right) => left.place - right.place)
    .map(({ item }) => item);
}
