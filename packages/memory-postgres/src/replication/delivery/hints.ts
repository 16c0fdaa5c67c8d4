import type { Facts, RefusedAtom } from "@rivet/memory-core";

/** The key of a hint of a target. An atom and its tombstone have a hint each. */
export interface HintKey {
  readonly sessionId: string;
  readonly id: string;
  readonly isTombstone: boolean;
}

export interface HintPage {
  /** The number of its hints, without those of large atoms. */
  readonly count: number;
  /** The hints of large atoms that it passes over. */
  readonly large?: readonly HintKey[];
  /** Whether there are hints, which somebody else is bringing at the moment. */
  readonly isLeft: boolean;
  /** Whether there may be hints after these. */
  readonly hasMore: boolean;
  /** The key of the last hint that it has, or passes over. */
  readonly last: HintKey;
  /** Reads the atoms and tombstones of the hints that still exist. */
  readonly facts: () => Promise<Facts>;
  /** The same in a form that a target may take as it is; undefined when there is none. */
  readonly packed?: readonly unknown[] | undefined;
}

/** A store that holds hints. */
export interface HintStore<Page extends HintPage> {
  readonly name: string;
  /** The next hints of a target, in the order of their keys; `ALL_STORES` is a target too. */
  page(target: string, after: HintKey | undefined, limit: number): Promise<Page>;
  /** Takes the hints of a page from a target, and gives each of the others one of its own, in one step. */
  settle(target: string, page: Page, others: readonly string[]): Promise<void>;
  /** Lets others bring what was not settled. */
  release(): Promise<void>;
  keepDeadLetters(target: string, refused: readonly RefusedAtom[]): Promise<void>;
}

/** A hint of a large atom, and the target that it is for. */
export interface LargeHint {
  readonly target: string;
  readonly key: HintKey;
}
