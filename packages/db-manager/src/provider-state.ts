/**
 * The health of one provider, changed only by a pure function.
 *
 * - `unknown`: nothing was sent yet. `up`: it answers.
 * - `suspect`: one statement was not answered in time. `down`: unreachable, or silent twice.
 * - `read-only`, `no-write` (disk or quota full), `saturated` (too many connections): it answers, but not to everything.
 * - `ineligible`: it refuses the credentials, or is not the database that it should be.
 * - `probing`, `catching-up`: on its way back; entered only where there is another provider to fall back on.
 */
export type ProviderState =
  | "unknown"
  | "up"
  | "suspect"
  | "down"
  | "probing"
  | "catching-up"
  | "read-only"
  | "saturated"
  | "no-write"
  | "ineligible";

/** What an error says about the provider that gave it; `none` for an error that is the caller's or this host's. */
export type StateEffect = "none" | "down" | "suspect" | "read-only" | "saturated" | "no-write" | "ineligible";

export type ProviderEvent =
  /** A statement was answered; `isWrite` when the answer proves that rows could be written. */
  | { readonly type: "answered"; readonly isWrite: boolean }
  /** A health check was answered. */
  | { readonly type: "checked"; readonly isReadOnly: boolean }
  /** Something failed, with what that says about the provider. */
  | { readonly type: "failed"; readonly effect: StateEffect };

export interface ProviderHealth {
  readonly state: ProviderState;
  /** Since when, in ms since 1970. */
  readonly sinceMs: number;
}

/** The health after the event: the same object when nothing changed. */
export function nextState(health: ProviderHealth, event: ProviderEvent, nowMs: number): ProviderHealth {
  const state = stateAfter(health.state, event);
  return state === health.state ? health : { state, sinceMs: nowMs };
}

function stateAfter(state: ProviderState, event: ProviderEvent): ProviderState {
  switch (event.type) {
    case "answered":
      // A read proves nothing about writes.
      return (state === "read-only" || state === "no-write") && !event.isWrite ? state : "up";
    case "checked":
      // The check writes nothing, so that it cannot tell whether there is room again.
      if (event.isReadOnly) return "read-only";
      return state === "no-write" ? state : "up";
    case "failed":
      if (event.effect === "none") return state;
      if (event.effect === "suspect") return state === "suspect" || state === "down" ? "down" : "suspect";
      return event.effect;
  }
}
