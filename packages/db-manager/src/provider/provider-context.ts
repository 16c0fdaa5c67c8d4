import type { DatabaseError } from "../errors/errors.ts";
import type { StateChange } from "./health.ts";
import type { ReturnGuards } from "./return-guards.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";

/** The view that a provider has of the others, and the listeners that it calls. */
export interface ProviderContext {
  readonly nowMs: () => number;
  readonly random: () => number;
  /** Whether providers are probed that do not take work. */
  readonly isProbing: () => boolean;
  readonly dwellMs: number;
  readonly longestProbeDelayMs: number;
  /** Whether no provider but the one of this name takes work. */
  readonly isAlone: (name: string) => boolean;
  readonly guards: ReturnGuards;
  readonly onStateChange: (change: StateChange) => void;
  /** An error that no caller was waiting for. */
  readonly onError: (error: DatabaseError) => void;
  readonly telemetry: Telemetry | undefined;
}
