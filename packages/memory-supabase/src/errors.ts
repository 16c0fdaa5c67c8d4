/** Translates errors of PostgREST, of the gateway and of the network to `MemoryError`. */
import {
  aheadId,
  changedSession,
  conflictingAtom,
  DEFAULT_MAX_ATOM_BYTES,
  deletedSession,
  foreignSession,
  HOLDS_FORGED_ESCAPE,
  judgeAtomId,
  MAX_NAME_LENGTH,
  MAX_NESTING,
  MemoryError,
  overruledChange,
  refusedFact,
  type MemoryErrorInit,
} from "@rivet/memory-core";
import { MIGRATION_FILE } from "./migration/file.ts";
import { MAX_IDS, REFUSALS } from "./migration/refusals.ts";

/** The failure of one attempt. */
export interface Failure {
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** The body of the answer, where it is an error of PostgREST's, or what was thrown. */
  readonly error: unknown;
  readonly isTimeout: boolean;
}

type Meaning = Omit<MemoryErrorInit, "message" | "cause"> & { readonly problem: string };

const NO_FUNCTIONS: Meaning = {
  code: "schema",
  problem: `does not have the tables and functions that this version expects. Copy node_modules/@rivet/memory-supabase/${MIGRATION_FILE} into supabase/migrations and run: npx supabase db push. If that is done, its API has not noticed; run in the SQL editor: NOTIFY pgrst, 'reload schema'`,
};
const REFUSED: Meaning = {
  code: "permission",
  problem:
    "refuses it. With the key of a user's application, a client whose user has signed in is needed, and userId must be that user's id, unless a policy says otherwise; a server uses the secret key",
};
const BAD_TOKEN: Meaning = {
  code: "permission",
  problem: "does not accept the key or the user's token: it is wrong, has expired, or was revoked",
};
const BUSY: Meaning = { code: "unavailable", retryable: true, problem: "cannot take the request now; try again" };
const LOST: Meaning = { ...BUSY, outcome: "unknown", problem: "gave no usable answer; try again" };
const UNDONE: Meaning = { ...BUSY, problem: "undid the request, which came in the way of another; try again" };
const SLOW: Meaning = {
  code: "timeout",
  retryable: true,
  problem: "ended the request at its time limit (statement_timeout); ask for less at once, or raise the limit",
};
const TOO_LARGE: Meaning = {
  code: "invalid_input",
  problem: "cannot store a value this large; keep it elsewhere and save a reference to it",
};

/**
 * By the code in the body: PostgREST's own (https://docs.postgrest.org/en/stable/references/errors.html), or a SQLSTATE
 * (https://www.postgresql.org/docs/current/errcodes-appendix.html), whole or its first two characters.
 */
const BY_CODE: Readonly<Record<string, Meaning>> = {
  PGRST000: BUSY,
  PGRST001: BUSY,
  PGRST002: BUSY,
  PGRST003: BUSY,
  PGRST106: {
    code: "schema",
    problem: "does not show this schema; add it to the exposed schemas of the API's settings",
  },
  PGRST200: NO_FUNCTIONS,
  PGRST202: NO_FUNCTIONS,
  PGRST203: NO_FUNCTIONS,
  PGRST204: NO_FUNCTIONS,
  PGRST205: NO_FUNCTIONS,
  PGRST300: { code: "unavailable", problem: "has no secret for tokens; see its API settings" },
  PGRST301: BAD_TOKEN,
  PGRST302: BAD_TOKEN,
  PGRST303: BAD_TOKEN,
  "3F000": NO_FUNCTIONS,
  "42P01": NO_FUNCTIONS,
  "42703": NO_FUNCTIONS,
  "42704": NO_FUNCTIONS,
  "42804": NO_FUNCTIONS,
  "42883": NO_FUNCTIONS,
  "42501": REFUSED,
  "22008": {
    code: "invalid_input",
    problem: "cannot hold a createdAt before 4713 BC or after the year 294276; give a time between",
  },
  "25006": { ...BUSY, problem: "is read-only now: it is a standby, or its quota is used up" },
  "40001": UNDONE,
  "40P01": UNDONE,
  "08": LOST,
  "53": BUSY,
  "53100": { ...BUSY, problem: "cannot grow: its disk is full; free some space and try again" },
  "54": TOO_LARGE,
  "54001": { code: "invalid_input", problem: "cannot parse a value nested this deeply; store it flatter" },
  "55P03": BUSY,
  "57014": SLOW,
  "57P01": { ...LOST, problem: "is being restarted; try again" },
  "57P02": { ...LOST, problem: "is being restarted; try again" },
  "57P03": BUSY,
};

const REDIRECTED: Meaning = {
  code: "unavailable",
  problem:
    "is not at this URL, which leads to another one; give the project's own as url or SUPABASE_URL. It begins with https://: one that begins with http:// leads there, and carries the key in clear",
};

/** By the status, where the body has no code that is known. */
const BY_STATUS: Readonly<Record<number, Meaning>> = {
  0: { ...LOST, problem: "cannot be reached, or broke off; try again" },
  301: REDIRECTED,
  302: REDIRECTED,
  303: REDIRECTED,
  307: REDIRECTED,
  308: REDIRECTED,
  401: BAD_TOKEN,
  402: {
    code: "unavailable",
    problem: "is restricted, because its quota is used up or a bill is open; see its organisation's billing page",
  },
  403: REFUSED,
  404: {
    code: "unavailable",
    problem: "has no REST API at this URL; check the URL, and whether the project is paused",
  },
  407: { code: "unavailable", problem: "is behind a proxy that wants to know who asks; set the proxy up" },
  408: LOST,
  410: { code: "unavailable", problem: "is not there any more; check the URL" },
  413: { ...TOO_LARGE, problem: "takes no request this large; save fewer or smaller atoms at once" },
  425: BUSY,
  429: { ...BUSY, problem: "is asked too often (429); try again later" },
  500: LOST,
  502: LOST,
  503: BUSY,
  504: LOST,
  511: { code: "unavailable", problem: "is behind a network that wants a log-in; log in there" },
  540: { code: "unavailable", problem: "is paused; restore it in its dashboard" },
  // No status of an answer that is what it should be: HTML of a portal in between, for example.
  200: LOST,
  204: LOST,
};

const UNKNOWN: Meaning = { code: "unknown", problem: "answered with an error that is not known; the cause has it" };
const TIMED_OUT: Meaning = {
  code: "timeout",
  retryable: true,
  outcome: "unknown",
  problem: "did not answer in time; try again, or raise timeoutMs",
};

/** The subject of a refusal; empty where it does not matter. */
interface RefusalDetails {
  readonly sessionId: string;
  readonly id: string;
  readonly key: string;
  /** The project's clock, in milliseconds since 1970. */
  readonly nowMs: number;
}

function idProblem({ id, nowMs }: RefusalDetails): string {
  if (judgeAtomId(id, nowMs) === "malformed") return "its id is not a UUIDv7";
  return `its id is ${aheadId(id, nowMs)}; set the clock that is wrong, and save it under a new id`;
}

const OUT_OF_BOUNDS = `it is out of bounds: names have 1 to ${MAX_NAME_LENGTH} UTF-16 units, times are those of a Date, and JSON is nested ${MAX_NESTING} levels at most and has ${DEFAULT_MAX_ATOM_BYTES} bytes at most, as have the metadata of a session together`;

/** The errors of the core for the refusals of our functions. */
const REFUSAL_ERRORS: Readonly<Record<string, (details: RefusalDetails) => MemoryError | undefined>> = {
  [REFUSALS.conflict]: conflictingAtom,
  [REFUSALS.foreign]: foreignSession,
  [REFUSALS.deleted]: deletedSession,
  [REFUSALS.changed]: changedSession,
  [REFUSALS.overruled]: (details) => overruledChange(details, details.nowMs),
  [REFUSALS.id]: (details) => (details.id === "" ? undefined : refusedFact(details, idProblem(details))),
  [REFUSALS.bounds]: (details) => refusedFact(details, OUT_OF_BOUNDS),
  [REFUSALS.forged]: (details) => refusedFact(details, `its text ${HOLDS_FORGED_ESCAPE}`),
  [REFUSALS.tooMany]: tooManyIds,
};

/** The typed error for an attempt that failed. Bodies that are no JSON stay in the cause: they may say anything. */
export function toSupabaseMemoryError({ status, error, isTimeout }: Failure): MemoryError {
  const code = stringOf(error, "code");
  const refusal = REFUSAL_ERRORS[code]?.(detailsOf(error));
  if (refusal !== undefined) return refusal;
  const { problem, ...meaning } = isTimeout
    ? TIMED_OUT
    : (BY_CODE[code] ?? BY_CODE[code.slice(0, 2)] ?? BY_STATUS[status] ?? (status > 500 ? LOST : UNKNOWN));
  const reason = [code, status === 0 ? "" : `HTTP ${status}`].filter((part) => part !== "").join(", ");
  return new MemoryError({
    outcome: "not_applied",
    ...meaning,
    message: `the Supabase project ${problem}${reason === "" ? "" : ` (${reason})`}`,
    cause: error,
  });
}

/** Whether a function did nothing, because the session was not as it was foreseen. */
export function isUnforeseen({ error }: Failure): boolean {
  return stringOf(error, "code") === REFUSALS.unforeseen;
}

/** A value that is no answer of our functions. */
export function unreadableAnswer(): MemoryError {
  return toSupabaseMemoryError({ status: 200, error: undefined, isTimeout: false });
}

function tooManyIds(): MemoryError {
  return new MemoryError({
    code: "invalid_input",
    message: `one request deletes or merges ${MAX_IDS} ids at most; make several of it`,
    outcome: "not_applied",
  });
}

function detailsOf(error: unknown): RefusalDetails {
  let details: unknown;
  try {
    details = JSON.parse(stringOf(error, "details"));
  } catch {
    details = undefined;
  }
  const nowMs: unknown = typeof details === "object" && details !== null ? Reflect.get(details, "nowMs") : undefined;
  return {
    sessionId: stringOf(details, "sessionId"),
    id: stringOf(details, "id"),
    key: stringOf(details, "key"),
    nowMs: typeof nowMs === "number" ? nowMs : 0,
  };
}

function stringOf(value: unknown, name: string): string {
  if (typeof value !== "object" || value === null) return "";
  const property: unknown = Reflect.get(value, name);
  return typeof property === "string" ? property : "";
}
