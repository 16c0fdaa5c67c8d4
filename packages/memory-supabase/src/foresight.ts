import { historyXorWith, NIL_ID, type AtomRow, type SessionWrite } from "@rivet/memory-core";

/** The number of saves without a forecast after a wrong one. */
const SAVES_WITHOUT = 16;

/**
 * Foresees what a save has to answer, so that the function need not say it. Where several write one session this is
 * often wrong, and each time costs a request more: then most saves do without.
 */
export class Foresight {
  #savesWithout = 0;

  /** The version of the history after a save, if nobody else has changed it; undefined for a save that does without. */
  foresee(session: SessionWrite, rows: readonly AtomRow[]): string | undefined {
    const { knownHistoryXor, clearThroughId } = session;
    if (knownHistoryXor === undefined || knownHistoryXor === NIL_ID || clearThroughId !== undefined) return undefined;
    if (this.#savesWithout === 0) return historyXorWith(knownHistoryXor, rows);
    this.#savesWithout -= 1;
    return undefined;
  }

  /** Records that the forecast was wrong. */
  wasWrong(): void {
    this.#savesWithout = SAVES_WITHOUT;
  }
}
