/** Writes as requests: one alone, or those that come at the same time together. */
import { isPlainAppend, MemoryError, WriteQueue, type AtomWrite, type RowLimits } from "@rivet/memory-core";
import { Foresight } from "./foresight.ts";
import type { Requests } from "./requests/requests.ts";
import { givenAtoms, number, objectOf, text, toVersion } from "./rows.ts";

/** The result of a write, without the receipt. */
export interface Written {
  readonly written: number;
  /** The version of the history of the session that was saved, if one was. */
  readonly historyXor?: string;
}

/**
 * Requests that may be under way at once. Who comes while there are as many waits until one ends, and goes together
 * with all who came meanwhile. 64 sessions that save at once make 8,700 turns per second with four requests, 10,900
 * with two, 5,700 with eight, and 1,400 without a bound; the fewer, the longer a save waits where the project is far
 * away.
 */
const MAX_IN_FLIGHT = 4;
const SMALLEST_SHARE = 8;
/** The limits of one request. The statement timeout of a project bounds them. */
const REQUEST_LIMITS: RowLimits = { rows: 500, units: 512 * 1_024 };

/**
 * @param isShared whether saves may share a request. Where they may not, each is a request of its own, that waits for
 *   no other.
 */
export function writeQueue(requests: Requests, isShared: boolean): WriteQueue<Written> {
  const foresight = new Foresight();
  return new WriteQueue({
    maxInFlight: MAX_IN_FLIGHT,
    smallestShare: SMALLEST_SHARE,
    limits: REQUEST_LIMITS,
    isShareable: (write) => isShared && isPlainAppend(write, REQUEST_LIMITS),
    writeAlone: (write, refusal) => writeAlone(requests, foresight, write, isMaybeApplied(refusal)),
    writeTogether: (writes) => writeTogether(requests, writes),
    isCausedByWrite: isRefused,
  });
}

/** @param mayBeApplied by an attempt before, together with others. */
async function writeAlone(
  requests: Requests,
  foresight: Foresight,
  { rows, session }: AtomWrite,
  mayBeApplied: boolean,
): Promise<Written> {
  if (session === undefined) {
    const args = { atoms: givenAtoms(rows, false) };
    const { written } = objectOf(await requests.call("rivet_write_atoms", args, { mayBeApplied }));
    return { written: number(written) };
  }
  const { sessionId, userId, clearThroughId, clearAhead, expectedHistoryXor } = session;
  const atoms = givenAtoms(rows, true);
  const args = { atoms, saved_session: { sessionId, userId, clearThroughId, clearAhead, expectedHistoryXor } };
  const foreseenHistoryXor = foresight.foresee(session, rows);
  if (foreseenHistoryXor === undefined) {
    return toVersion(await requests.call("rivet_write_atoms", args, { mayBeApplied }));
  }
  const silent = { name: "rivet_append", args: { atoms, saved_session: { sessionId, userId, foreseenHistoryXor } } };
  const answer = await requests.call("rivet_write_atoms", args, { silent, mayBeApplied });
  if (answer === undefined) return { written: rows.length, historyXor: foreseenHistoryXor };
  foresight.wasWrong();
  return toVersion(answer);
}

async function writeTogether(requests: Requests, writes: readonly AtomWrite[]): Promise<Written[]> {
  const rows = writes.flatMap((write) => write.rows);
  const versions = objectOf(await requests.call("rivet_append_together", { atoms: givenAtoms(rows, false) }));
  return writes.map(({ rows: { length: written }, session }) =>
    session === undefined ? { written } : { written, historyXor: text(versions[session.sessionId]) },
  );
}

/** Whether the project has said no to what a request holds, and not to any request at the moment. */
function isRefused(error: unknown): boolean {
  return MemoryError.isInstance(error) && !error.retryable;
}

function isMaybeApplied(error: unknown): boolean {
  return MemoryError.isInstance(error) && error.outcome === "unknown";
}
