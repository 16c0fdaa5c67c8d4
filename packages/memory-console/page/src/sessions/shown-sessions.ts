import type { SessionEntry, SessionPage } from "../../../src/wire.ts";

export interface ShownSessions {
  /** Undefined while the first page is on its way. */
  readonly sessions: readonly SessionEntry[] | undefined;
  /** The value of `before` for the next page; undefined after the last page. */
  readonly next: string | undefined;
}

/**
 * The first page as it is now, and what was shown after it: sessions that somebody wrote to have moved to the front;
 * those that should be in the page and are not were deleted. Pure.
 */
export function withFirstPage({ sessions = [], next }: ShownSessions, page: SessionPage): ShownSessions {
  const { next: oldest } = page;
  const [newest] = sessions;
  // The page has all of them, or nobody knows what is between it and the others.
  if (oldest === undefined || newest === undefined || newest.lastAtomId < oldest) {
    return { sessions: page.sessions, next: oldest };
  }
  const isInPage = new Set(page.sessions.map(({ key }) => key));
  const older = sessions.filter(({ key, lastAtomId }) => lastAtomId < oldest && !isInPage.has(key));
  return { sessions: [...page.sessions, ...older], next: older.length === 0 ? oldest : next };
}
