/**
 * Atoms whose ids are further ahead of the clock than new ones may be, as a process with a wrong clock left them. No
 * storage takes such an id from a caller any more. Each backend counts where its rows are, and all counts are bounded:
 * a store in which most ids are ahead is examined in the time of one with a few.
 */
import { atomIdTimeMs, lastIdWithinLead, MAX_ID_LEAD_MS, type RowReader } from "@rivet/memory-core";
import { oneLine } from "../terminal/printable.ts";
import { ok, warning, type Finding } from "./finding.ts";

/** A session with such atoms. */
export interface SessionAhead {
  readonly sessionId: string;
  readonly lastAtomId: string;
  /** The number of its atoms that are ahead of the clock, up to the limit of the count. */
  readonly atoms: number;
}

/** The limits of the count in a store that counts on the server. */
export const SQL_LIMITS = { sessions: 100, atomsOfSession: 10_000 } as const;

/** The limits of the count where every atom is sent to this machine. */
const READER_LIMITS = { sessions: 20, atomsOfSession: 100 } as const;

/** Counts by the reader of any storage. */
export async function examineIdsByReader(reader: RowReader, subject: string, nowMs: number): Promise<Finding> {
  const afterId = lastIdWithinLead(nowMs);
  const heads = await reader.selectHeads({ order: "recent-first", limit: READER_LIMITS.sessions });
  const sessions: SessionAhead[] = [];
  for (const { sessionId, lastAtomId } of heads.filter((head) => head.lastAtomId > afterId)) {
    const limit = READER_LIMITS.atomsOfSession;
    const { length } = await reader.selectAtoms({ sessionId, afterId, order: "oldest-first", limit });
    sessions.push({ sessionId, lastAtomId, atoms: length });
  }
  return idsFinding(subject, sessions, READER_LIMITS);
}

const NAMED_SESSIONS = 5;
const NAME_WIDTH = 60;
const HOURS = MAX_ID_LEAD_MS / 3_600_000;

/** @param sessions those with atoms ahead, the latest first, cut at the limits. */
export function idsFinding(
  subject: string,
  sessions: readonly SessionAhead[],
  limits: { readonly sessions: number; readonly atomsOfSession: number },
): Finding {
  const [latest] = sessions;
  if (latest === undefined)
    return ok(subject, "ids", `no id is more than ${HOURS} hours ahead of this machine's clock`);
  const isCut = sessions.length >= limits.sessions || sessions.some(({ atoms }) => atoms >= limits.atomsOfSession);
  const total = sessions.reduce((sum, { atoms }) => sum + atoms, 0);
  const named = sessions.slice(0, NAMED_SESSIONS).map(nameOf);
  const others = sessions.length > NAMED_SESSIONS ? ", …" : "";
  return warning(
    subject,
    "ids",
    `${isCut ? "at least " : ""}${total} atoms in ${sessions.length} sessions have ids more than ${HOURS} hours ahead of this machine's clock, ` +
      `up to ${new Date(atomIdTimeMs(latest.lastAtomId)).toISOString()}: ${named.join(", ")}${others}`,
    "check the clocks of the machines that write; the messages stay readable, and a metadata key that such an id decided " +
      "cannot be changed before its time, unless deleteMemoryAtoms removes the atom that the conflict names",
  );
}

function nameOf({ sessionId, atoms }: SessionAhead): string {
  return `${JSON.stringify(oneLine(sessionId, NAME_WIDTH))} (${atoms})`;
}
