import type { ProviderState } from "../provider/provider-state.ts";

export interface Candidate {
  readonly name: string;
  readonly state: ProviderState;
}

export interface Route {
  readonly isReadOnly: boolean;
  /** The names to choose from; undefined for all. */
  readonly among: readonly string[] | undefined;
  /** Whether one that is not usable may be tried when no other is left. */
  readonly isLastResortAllowed: boolean;
}

/** The lower, the better; from `LAST_RESORT` on a provider is not usable, and is tried only when nothing else is left. */
const LAST_RESORT = 10;
const RANKS: Readonly<Record<ProviderState, { readonly write: number; readonly read: number }>> = {
  unknown: { write: 0, read: 0 },
  up: { write: 0, read: 0 },
  suspect: { write: 1, read: 2 },
  // They still serve reads, but what is new is elsewhere.
  "read-only": { write: LAST_RESORT + 2, read: 1 },
  "no-write": { write: LAST_RESORT + 1, read: 1 },
  "catching-up": { write: 2, read: 3 },
  probing: { write: 3, read: 4 },
  saturated: { write: 4, read: 5 },
  down: { write: LAST_RESORT, read: LAST_RESORT },
  ineligible: { write: LAST_RESORT + 3, read: LAST_RESORT + 3 },
};

/** Whether a provider in this state is sent work while it is nothing but that state that speaks against it. */
export function isUsable(state: ProviderState, isReadOnly: boolean): boolean {
  return rankOf(state, isReadOnly) < LAST_RESORT;
}

/** Whether a provider takes work without more ado, so that no other has to stand in for it. */
export function isTakingWork(state: ProviderState): boolean {
  return rankOf(state, false) <= RANKS.suspect.write;
}

/**
 * The provider to send work to: the best by its state, and among equals the first.
 *
 * @param candidates in the order of preference.
 * @param tried the names that had their chance.
 */
export function route<Choice extends Candidate>(
  candidates: readonly Choice[],
  { isReadOnly, among, isLastResortAllowed }: Route,
  tried?: ReadonlySet<string>,
): Choice | undefined {
  let best: Choice | undefined;
  let bestRank = isLastResortAllowed ? Number.POSITIVE_INFINITY : LAST_RESORT;
  for (const candidate of candidates) {
    if (tried?.has(candidate.name) === true || among?.includes(candidate.name) === false) continue;
    const rank = rankOf(candidate.state, isReadOnly);
    if (rank >= bestRank) continue;
    best = candidate;
    bestRank = rank;
  }
  return best;
}

function rankOf(state: ProviderState, isReadOnly: boolean): number {
  const ranks = RANKS[state];
  return isReadOnly ? ranks.read : ranks.write;
}
