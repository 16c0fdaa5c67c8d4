import type { DatabaseError } from "../errors/errors.ts";
import type { StateChange } from "./health.ts";
import type { ReturnGuards } from "./return-guards.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";

/** The facts about other providers that a provider needs, and the listeners that it calls. */
export interface ProviderContext {
  readonly nowMs: () => number;
  readonly random: () => number;
  /** Whether providers that take no work are probed. */
  readonly isProbing: () => boolean;
  readonly dwellMs: number;
  readonly longestProbeDelayMs: number;
  /** Whether no provider other than the named one takes work. */
  readonly isAlone: (name: string) => boolean;
  readonly guards: ReturnGuards;
  readonly onStateChange: (change: StateChange) => void;
  /** Called with an error that no caller was waiting for. */
  readonly onError: (error: DatabaseError) => void;
  readonly telemetry: Telemetry | undefined;
}
