import type { Acknowledge, ReplicationMode } from "./settings.ts";

export interface ReplicationStatus {
  readonly mode: ReplicationMode;
  readonly acknowledge: Acknowledge;
  /** Every provider that could be asked, with each of the others. */
  readonly pairs: readonly ReplicationPair[];
  /** Providers that could not be asked: they may hold what the others have not got. */
  readonly unreachable: readonly string[];
  /** Atoms that a provider refuses for good, the latest first, 100 at the most. */
  readonly deadLetters: readonly DeadLetter[];
  /** Where there is a local journal: what it holds for each provider. */
  readonly journal?: readonly JournalStatus[];
  /** Where there is a local replica: when it was last found equal to a provider; undefined when it was not yet. */
  readonly localReplica?: { readonly caughtUpAt: Date | undefined };
}

/** The backlog of the local journal for a provider. */
export interface JournalStatus {
  readonly to: string;
  /** Atoms that the provider has not got yet. */
  readonly atoms: number;
  /** Of their content and metadata. */
  readonly bytes: number;
  /** The age of the oldest of them, in milliseconds, by its id; undefined when there is none. */
  readonly oldestAtomAgeMs: number | undefined;
}

/** The undelivered atoms of one provider for another. */
export interface ReplicationPair {
  readonly from: string;
  readonly to: string;
  /** Atoms and deletions that are on their way. */
  readonly hints: number;
  /** The age of the oldest of them, in milliseconds, by its id; undefined when there is none. */
  readonly oldestHintAgeMs: number | undefined;
  readonly lastDrainAt: Date | undefined;
  readonly lastRepairAt: Date | undefined;
  /** Whether hints were dropped, so that only a repair makes the two equal. */
  readonly needsRepair: boolean;
  readonly deadLetters: number;
}

export interface DeadLetter {
  readonly from: string;
  readonly to: string;
  readonly sessionId: string;
  readonly id: string;
  /** The code of the `MemoryError` with which it was refused. */
  readonly code: string;
  readonly message: string;
  readonly failedAt: Date;
}
