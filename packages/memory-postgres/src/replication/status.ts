import type { Acknowledge, ReplicationMode } from "./settings.ts";

export interface ReplicationStatus {
  readonly mode: ReplicationMode;
  readonly acknowledge: Acknowledge;
  /** Every reachable provider, paired with each of the others. */
  readonly pairs: readonly ReplicationPair[];
  /** Unreachable providers, which may hold data that the others lack. */
  readonly unreachable: readonly string[];
  /** Atoms that a provider refuses for good, the latest first, at most 100. */
  readonly deadLetters: readonly DeadLetter[];
  /** The backlog of the local journal for each provider, if there is a journal. */
  readonly journal?: readonly JournalStatus[];
  /** The time at which the local replica, if there is one, was last equal to a provider; undefined if it never was. */
  readonly localReplica?: { readonly caughtUpAt: Date | undefined };
}

/** The backlog of the local journal for a provider. */
export interface JournalStatus {
  readonly to: string;
  /** The number of atoms that the provider does not have yet. */
  readonly atoms: number;
  /** The size of their content and metadata. */
  readonly bytes: number;
  /** The age of the oldest of them, in milliseconds, by its id; undefined when there is none. */
  readonly oldestAtomAgeMs: number | undefined;
}

/** The backlog of one provider for another. */
export interface ReplicationPair {
  readonly from: string;
  readonly to: string;
  /** The number of atoms and deletions that were not delivered yet. */
  readonly hints: number;
  /** The age of the oldest of them, in milliseconds, by its id; undefined when there is none. */
  readonly oldestHintAgeMs: number | undefined;
  readonly lastDrainAt: Date | undefined;
  readonly lastRepairAt: Date | undefined;
  /** Whether hints were dropped, so that only a repair can make the two equal. */
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
