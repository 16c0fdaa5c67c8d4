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
 * The health of one provider, changed only by a pure function.
 *
 * - `unknown`: nothing was sent yet. `up`: it answers.
 * - `suspect`: one statement was not answered in time. `down`: unreachable, or silent twice.
 * - `read-only`, `no-write` (disk or quota full), `saturated` (too many connections): it answers, but not to everything.
 * - `ineligible`: it refuses the credentials, or is not the database that it should be.
 * - `probing`: a probe was answered again. `catching-up`: a second one too; what it missed is brought to it, and it has to
 *   stay well for a while before it takes work again.
 */
export type ProviderState = (typeof PROVIDER_STATES)[number];

/** What an error says about the provider that gave it; `none` for an error that is the caller's or this host's. */
export type StateEffect = "none" | "down" | "suspect" | "read-only" | "saturated" | "no-write" | "ineligible";

export type ProviderEvent =
  /** A statement was answered; `isWrite` when the answer proves that rows could be written. */
  | { readonly type: "answered"; readonly isWrite: boolean }
  /** A probe or health check was answered. */
  | { readonly type: "probed"; readonly isReadOnly: boolean }
  /** Another provider answered what this one was asked first. */
  | { readonly type: "overtaken" }
  /** What it missed was brought to it. */
  | { readonly type: "caught-up" }
  /** Something failed, with what that says about the provider. */
  | { readonly type: "failed"; readonly effect: StateEffect };

export interface ProviderHealth {
  readonly state: ProviderState;
  /** Since when, in ms since 1970. */
  readonly sinceMs: number;
  /** While it comes back: when the first probe was answered again. */
  readonly wellSinceMs: number | undefined;
  readonly isCaughtUp: boolean;
  /** How long it has to stay well before it takes work again. */
  readonly dwellMs: number;
  /** When it last came back; undefined when it never went. */
  readonly returnedAtMs: number | undefined;
}

export interface Surroundings {
  readonly nowMs: number;
  /** Whether no other provider takes work: then this one does not wait until it is trusted again. */
  readonly isAlone: boolean;
  /** The shortest time that a provider has to stay well. */
  readonly dwellMs: number;
}

/** Two good probes prove more when they are apart. */
export const PROBE_DISTANCE_MS = 1_000;
/** A provider that goes again within this time of its return, or within its dwell, is flapping. */
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

/** The health after the event: the same object when nothing changed. */
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
      // The probe writes nothing, so that it cannot tell whether there is room again.
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
  // A second silence, or one on the way back.
  return state === "suspect" || state === "probing" || state === "catching-up" ? "down" : state;
}

/** One step on the way back: two good probes, what it missed, and its dwell. */
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

/** To a state in which it takes less work, or none; its dwell doubles when it had only just come back. */
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
