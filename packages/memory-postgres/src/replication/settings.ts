import { MemoryError, type OptionFields } from "@rivet/memory-core";

/** The receivers of a replicated write: all other providers, only preferred ones that missed it, or none. */
export type ReplicationMode = "all" | "failback" | "off";
/** The number of providers that must have committed a write before it is acknowledged. */
export type Acknowledge = 1 | 2 | "majority";

export interface ReplicationOptions {
  /**
   * `all`: a write of one provider is replicated to every other one. `failback`: only to those that precede it in the
   * order, which have missed the write. `off`: to none. Default: `all`.
   */
  replication?: ReplicationMode;
  /**
   * The number of providers that must commit a write before it is acknowledged; the local journal counts as all.
   * Default: 1.
   */
  acknowledge?: Acknowledge;
  /**
   * The most hints that a provider keeps for each other one. Beyond, it drops hints and a repair is needed. Default:
   * 1,000,000.
   */
  maxHints?: number;
  /** The age of an atom, in milliseconds, after which its hint is dropped. Default: 7 days. */
  maxHintAgeMs?: number;
}

export const REPLICATION_FIELDS: OptionFields<ReplicationOptions> = {
  replication: "setting",
  acknowledge: "setting",
  maxHints: "setting",
  maxHintAgeMs: "setting",
};

export interface ReplicationSettings {
  readonly mode: ReplicationMode;
  readonly acknowledge: Acknowledge;
  readonly maxHints: number;
  readonly maxHintAgeMs: number;
}

const DAY_MS = 24 * 60 * 60_000;

/** @throws {MemoryError} `invalid_input` with the path of the offending option. */
export function parseReplication(options: ReplicationOptions): ReplicationSettings {
  const { replication: mode = "all", acknowledge = 1, maxHints = 1_000_000, maxHintAgeMs = 7 * DAY_MS } = options;
  if (!["all", "failback", "off"].includes(mode)) throw invalid("replication", `must be "all", "failback" or "off"`);
  if (![1, 2, "majority"].includes(acknowledge)) throw invalid("acknowledge", `must be 1, 2 or "majority"`);
  if (!Number.isSafeInteger(maxHints) || maxHints < 1) throw invalid("maxHints", "must be a whole number from 1");
  if (!Number.isSafeInteger(maxHintAgeMs) || maxHintAgeMs < 1)
    throw invalid("maxHintAgeMs", "must be a number of milliseconds of at least 1");
  return { mode, acknowledge, maxHints, maxHintAgeMs };
}

/** @throws {MemoryError} `invalid_input` if there are fewer providers than must acknowledge. */
export function requiredProviders(acknowledge: Acknowledge, providerCount: number): number {
  const required = acknowledge === "majority" ? Math.floor(providerCount / 2) + 1 : acknowledge;
  if (required <= providerCount) return required;
  throw invalid("acknowledge", `is ${required}, but there is only one provider; add another one, or set it to 1`);
}

function invalid(option: string, problem: string): MemoryError {
  const path = `options.${option}`;
  return new MemoryError({ code: "invalid_input", message: `${path} ${problem}`, path, backend: "postgres" });
}
