export const PROVIDER_STATES = [
  "unknown",
  "up",
  "suspect",
  "down",
  "probing",
  "catching-up",
  "read-only",
  "saturated",
  "no-write",
  "ineligible",
] as const;

/**
 * The health states of a provider. Only a pure function changes them.
 *
 * - `unknown`: nothing was sent yet. `up`: the provider answers.
 * - `suspect`: one statement was not answered in time. `down`: unreachable, or silent twice.
 * - `read-only`, `no-write` (disk or quota full), `saturated` (too many connections): it serves only some requests.
 * - `ineligible`: it refuses the credentials, or is the wrong database.
 * - `probing`: it answered a probe again. `catching-up`: it answered a second one; it now receives the data that it
 *   missed, and must stay healthy for a while before it takes work again.
 */
export type ProviderState = (typeof PROVIDER_STATES)[number];

/** The effect of an error on the provider's state; `none` for a fault of the caller or of this host. */
export type StateEffect = "none" | "down" | "suspect" | "read-only" | "saturated" | "no-write" | "ineligible";

export type ProviderEvent =
  /** A statement was answered; `isWrite` when the answer proves that rows could be written. */
  | { readonly type: "answered"; readonly isWrite: boolean }
  /** A probe or health check was answered. */
  | { readonly type: "probed"; readonly isReadOnly: boolean }
  /** Another provider answered a request that this one received first. */
  | { readonly type: "overtaken" }
  /** The provider received the data that it missed. */
  | { readonly type: "caught-up" }
  /** Something failed, with the given effect on the provider. */
  | { readonly type: "failed"; readonly effect: StateEffect };

export interface ProviderHealth {
  readonly state: ProviderState;
  /** The time at which the state began, in ms since 1970. */
  readonly sinceMs: number;
  /** The time of the first answered probe, while the provider recovers. */
  readonly wellSinceMs: number | undefined;
  readonly isCaughtUp: boolean;
  /** The time that the provider must stay healthy before it takes work again. */
  readonly dwellMs: number;
  /** The time of the last recovery; undefined if the provider was never away. */
  readonly returnedAtMs: number | undefined;
}

export interface Surroundings {
  readonly nowMs: number;
  /** Whether no other provider takes work; if so, this one takes work again at once. */
  readonly isAlone: boolean;
  /** The shortest time that a recovered provider must stay healthy. */
  readonly dwellMs: number;
}

/** The least time between the two probes of a recovery: two good probes prove more if they are apart. */
export const PROBE_DISTANCE_MS = 1_000;
/** A provider that fails again within this time of its recovery, or within its dwell, is flapping. */
const FLAPPING_MS = 60_000;
const MAX_DWELL_MS = 5 * 60_000;

export function initialHealth({ nowMs, dwellMs }: Pick<Surroundings, "nowMs" | "dwellMs">): ProviderHealth {
  return {
    state: "unknown",
    sinceMs: nowMs,
    wellSinceMs: undefined,
    isCaughtUp: false,
    dwellMs,
    returnedAtMs: undefined,
  };
}

/** Returns the health after the event: the same object if nothing changed. */
export function nextHealth(health: ProviderHealth, event: ProviderEvent, around: Surroundings): ProviderHealth {
  const { state } = health;
  const isTrusted = state === "unknown" || state === "up" || state === "suspect";
  switch (event.type) {
    case "answered":
      if (isTrusted) return moveTo(health, "up", around);
      // A read proves nothing about writes.
      if ((state === "read-only" || state === "no-write") && !event.isWrite) return health;
      return around.isAlone ? returned(health, around) : comeBack(health, around);
    case "probed":
      if (event.isReadOnly) return fall(health, "read-only", around);
      if (isTrusted) return moveTo(health, "up", around);
      // The probe writes nothing, so it cannot detect whether there is disk space again.
      return around.isAlone && state !== "no-write" ? returned(health, around) : comeBack(health, around);
    case "overtaken":
      return isTrusted && state !== "suspect" ? moveTo(health, "suspect", around) : health;
    case "caught-up":
      return state === "catching-up" ? comeBack({ ...health, isCaughtUp: true }, around) : health;
    case "failed":
      return event.effect === "none" ? health : fall(health, stateAfterFailure(state, event.effect), around);
  }
}

function stateAfterFailure(state: ProviderState, effect: Exclude<StateEffect, "none">): ProviderState {
  if (effect !== "suspect") return effect;
  if (state === "unknown" || state === "up") return "suspect";
  // A second silence, or a silence during the recovery.
  return state === "suspect" || state === "probing" || state === "catching-up" ? "down" : state;
}

/** Takes one step of the recovery: two good probes, catching up, and the dwell. */
function comeBack(health: ProviderHealth, around: Surroundings): ProviderHealth {
  const { state, wellSinceMs, isCaughtUp, dwellMs } = health;
  const { nowMs } = around;
  if (wellSinceMs === undefined) return { ...moveTo(health, "probing", around), wellSinceMs: nowMs };
  const wellMs = nowMs - wellSinceMs;
  if (state === "probing" && wellMs >= PROBE_DISTANCE_MS) return moveTo(health, "catching-up", around);
  if (state === "catching-up" && isCaughtUp && wellMs >= dwellMs) return returned(health, around);
  return health;
}

function returned(health: ProviderHealth, around: Surroundings): ProviderHealth {
  return { ...moveTo(health, "up", around), wellSinceMs: undefined, isCaughtUp: false, returnedAtMs: around.nowMs };
}

/** Moves to a state with less work or none. The dwell doubles if the provider had only just recovered. */
function fall(health: ProviderHealth, to: ProviderState, around: Surroundings): ProviderHealth {
  if (to === health.state) return health;
  if (to === "suspect") return moveTo(health, to, around);
  const wasUp = health.state === "up" || health.state === "suspect";
  const dwellMs = wasUp ? dwellAfterFall(health, around) : health.dwellMs;
  return { ...moveTo(health, to, around), wellSinceMs: undefined, isCaughtUp: false, dwellMs };
}

function dwellAfterFall({ returnedAtMs, dwellMs }: ProviderHealth, around: Surroundings): number {
  const isFlapping = returnedAtMs !== undefined && around.nowMs - returnedAtMs < Math.max(FLAPPING_MS, dwellMs);
  return isFlapping ? Math.min(dwellMs * 2, MAX_DWELL_MS) : around.dwellMs;
}

function moveTo(health: ProviderHealth, state: ProviderState, { nowMs }: Surroundings): ProviderHealth {
  return state === health.state ? health : { ...health, state, sinceMs: nowMs };
}
