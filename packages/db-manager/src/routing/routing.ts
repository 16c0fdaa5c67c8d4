import type { ProviderState } from "../provider/provider-state.ts";

export interface Candidate {
  readonly name: string;
  readonly state: ProviderState;
}

export interface Route {
  readonly isReadOnly: boolean;
  /** The names of the providers to choose from; undefined for all. */
  readonly among: readonly string[] | undefined;
  /** Whether an unusable provider may be tried if no other is left. */
  readonly isLastResortAllowed: boolean;
}

/** Ranks: lower is better. From `LAST_RESORT` on a provider is unusable, and is tried only if no other is left. */
const LAST_RESORT = 10;
const RANKS: Readonly<Record<ProviderState, { readonly write: number; readonly read: number }>> = {
  unknown: { write: 0, read: 0 },
  up: { write: 0, read: 0 },
  suspect: { write: 1, read: 2 },
  // These providers still serve reads, but the newest data is elsewhere.
  "read-only": { write: LAST_RESORT + 2, read: 1 },
  "no-write": { write: LAST_RESORT + 1, read: 1 },
  "catching-up": { write: 2, read: 3 },
  probing: { write: 3, read: 4 },
  saturated: { write: 4, read: 5 },
  down: { write: LAST_RESORT, read: LAST_RESORT },
  ineligible: { write: LAST_RESORT + 3, read: LAST_RESORT + 3 },
};

/** Whether a provider in this state is eligible for work, all else being equal. */
export function isUsable(state: ProviderState, isReadOnly: boolean): boolean {
  return rankOf(state, isReadOnly) < LAST_RESORT;
}

/** Whether a provider in this state accepts work normally, so that no failover is needed. */
export function isTakingWork(state: ProviderState): boolean {
  return rankOf(state, false) <= RANKS.suspect.write;
}

/**
 * Chooses the provider to send work to: the one with the best state, and among equals the first.
 *
 * @param candidates the providers in their order of preference.
 * @param tried the names of the providers that were already tried.
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
