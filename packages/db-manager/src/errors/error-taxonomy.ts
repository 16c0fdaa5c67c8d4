/**
 * What every error means, as data. The first row that fits decides: rows are found by code, and by the message only
 * where a code has several meanings or there is none. Whether the statement was sent then decides between two classes.
 *
 * SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
import type { DatabaseErrorCode, Outcome } from "./errors.ts";
import { isPlainAnswer, type NativeError } from "./native-error.ts";
import type { StateEffect } from "../provider/provider-state.ts";

/**
 * A: try the next provider. B: the same provider again. C: the caller's; throw. D: may have been applied; repeat only what
 * is idempotent. E: change the provider's state and go on.
 */
export type ErrorClass = "A" | "B" | "C" | "D" | "E";

/** How often the same provider is asked again: `fresh` on a new connection, `unnamed` without a prepared statement. */
export type Repeat = "never" | "fresh" | "unnamed" | "twice" | "three-times";

export interface Meaning {
  readonly class: ErrorClass;
  readonly code: DatabaseErrorCode;
  readonly state: StateEffect;
  readonly repeat: Repeat;
  readonly isRetryable: boolean;
  /** Whether the connections that were made before are to be used no more. */
  readonly isConnectionLost: boolean;
  readonly outcome: Outcome;
  /** What to do, appended to the native message. */
  readonly advice: string;
}

interface Row extends Partial<Omit<Meaning, "outcome">> {
  /** Full codes, SQLSTATE classes of two characters, or beginnings that end in `*`. */
  readonly codes?: readonly string[];
  readonly message?: RegExp;
  /** The class once the statement was sent, where that differs. */
  readonly sentClass?: ErrorClass;
  /** The class of a statement's answer that leaves the connection as it was, where that differs. */
  readonly answerClass?: ErrorClass;
  readonly class: ErrorClass;
}

const UNREACHABLE = {
  class: "A",
  sentClass: "D",
  code: "unavailable",
  state: "down",
  isRetryable: true,
  isConnectionLost: true,
  repeat: "fresh",
  advice: "check that the server runs and can be reached",
} as const;
const SATURATED = {
  class: "E",
  code: "unavailable",
  state: "saturated",
  repeat: "twice",
  isRetryable: true,
  advice: "lower poolSize, or raise the server's limit",
} as const;
const REFUSED = { class: "E", code: "permission", state: "ineligible", advice: "check the user and password" } as const;
const UNTRUSTED = {
  class: "E",
  code: "unavailable",
  state: "ineligible",
  advice: "TLS is verified: give the provider's certificate authority as ssl: { ca }, or fix the server's certificate",
} as const;
const AGAIN = { class: "B", code: "unavailable", repeat: "fresh", isRetryable: true, advice: "try again" } as const;
const CONTENDED = { class: "B", code: "query", repeat: "three-times", isRetryable: true, advice: "try again" } as const;
const SILENT = {
  class: "D",
  code: "timeout",
  state: "suspect",
  repeat: "fresh",
  isRetryable: true,
  isConnectionLost: true,
  advice: "try again, or allow more time with timeoutMs or statementTimeoutMs",
} as const;
const CALLER = { class: "C", code: "query" } as const;
const THIS_HOST = {
  class: "C",
  code: "unavailable",
  isRetryable: true,
  advice: "this host has too few of them",
} as const;
const DISABLED = {
  class: "E",
  code: "unavailable",
  state: "ineligible",
  advice: "see the provider's console",
} as const;

const ROWS: readonly Row[] = [
  // This side.
  { codes: ["RIVET_ABORTED"], class: "C", code: "timeout" },
  { codes: ["RIVET_CLOSED"], class: "C", code: "closed", advice: "make a new DatabaseManager" },
  { codes: ["RIVET_TRANSACTION_OVER"], class: "C", code: "closed", advice: "await every statement inside of it" },
  {
    codes: ["RIVET_DEADLINE"],
    class: "D",
    code: "timeout",
    isRetryable: true,
    advice: "allow more time with deadlineMs",
  },
  {
    codes: ["RIVET_POOL_FULL"],
    class: "B",
    code: "timeout",
    isRetryable: true,
    advice: "raise poolSize or the deadline",
  },
  { codes: ["RIVET_NO_ANSWER"], ...SILENT },
  {
    codes: ["RIVET_AUTHENTICATION"],
    ...REFUSED,
    advice: "let the server use scram-sha-256, or allow another method with require_auth in the address",
  },
  { codes: ["RIVET_CERTIFICATE_FILE"], class: "C", code: "invalid_input", state: "ineligible" },
  { codes: ["RIVET_ROLLED_BACK"], class: "C", code: "query", advice: "let the error of the failed statement pass" },
  {
    message: /on behalf of a different request/i,
    class: "C",
    code: "unavailable",
    advice:
      "on Cloudflare Workers a connection belongs to the request that opened it: make the storage, or the DatabaseManager, " +
      "in the request's handler, and close it at its end",
  },
  { codes: ["EMFILE", "ENFILE", "EADDRNOTAVAIL"], ...THIS_HOST },

  // The way to the server.
  { codes: ["ENOTFOUND"], ...UNREACHABLE, advice: "the host's name does not exist; check the address" },
  { codes: ["EAI_AGAIN"], ...UNREACHABLE, class: "B", advice: "the names could not be resolved; try again" },
  { codes: ["ENOENT"], ...UNREACHABLE, advice: "there is no such socket; check that the server runs" },
  { codes: ["ETIMEDOUT"], ...UNREACHABLE, code: "timeout" },
  {
    codes: [
      "ECONNREFUSED",
      "EHOSTUNREACH",
      "EHOSTDOWN",
      "ENETUNREACH",
      "ENETDOWN",
      "ECONNRESET",
      "ECONNABORTED",
      "EPIPE",
    ],
    ...UNREACHABLE,
  },
  {
    codes: ["EPROTO", "ERR_SSL_*", "ERR_TLS_*", "CERT_*", "HOSTNAME_MISMATCH", "INVALID_CA", "INVALID_PURPOSE"],
    ...UNTRUSTED,
  },
  { codes: ["DEPTH_ZERO_*", "SELF_SIGNED_*", "UNABLE_TO_*", "PATH_LENGTH_EXCEEDED", "ERR_OSSL_*"], ...UNTRUSTED },

  // Poolers, which answer with codes that mean other things elsewhere.
  {
    codes: ["08P01", "XX000", "08004", "58000"],
    message: /no more connections allowed|query_wait_timeout|max_client_conn/,
    ...SATURATED,
  },
  { codes: ["08P01", "XX000"], message: /ECHECKOUTTIMEOUT|EMAXCONN|Too many connections/i, ...SATURATED },
  {
    codes: ["08P01", "XX000", "08006", "08000"],
    message: /server_login_retry|server conn crashed|pooler is shutting down|cannot connect to server|database removed/,
    ...UNREACHABLE,
  },
  { codes: ["08P01"], message: /^idle transaction timeout|^client_idle_timeout/, ...AGAIN, isConnectionLost: true },
  { codes: ["08P01"], message: /^query timeout/, ...SILENT },
  {
    codes: ["08P01"],
    message: /unsupported startup parameter/,
    class: "C",
    code: "invalid_input",
    advice: "leave the parameter out of the address",
  },
  {
    codes: ["XX000", "08P01"],
    message: /quota|(endpoint|database ".*") is disabled|ENOTFOUND|EBANNED|Tenant or user not found/i,
    ...DISABLED,
  },
  { codes: ["XX000", "28*"], message: /EWRONGPASSWORD/, ...REFUSED },
  {
    codes: ["XX000"],
    message: /ECIRCUITBREAKER|EDBHANDLEREXITED|Couldn't connect to compute node|Control plane request failed/i,
    ...UNREACHABLE,
  },
  { codes: ["08P01"], message: /authentication failed|no such user|SASL/i, ...REFUSED },
  {
    codes: ["08P01"],
    message: /no such database|database ".*" does not exist/i,
    ...REFUSED,
    code: "schema",
    advice: "check the database's name",
  },

  // PostgreSQL.
  {
    codes: ["08007", "40003"],
    class: "D",
    code: "unavailable",
    repeat: "fresh",
    isRetryable: true,
    isConnectionLost: true,
  },
  { codes: ["08P01"], class: "C", code: "query", isConnectionLost: true },
  { codes: ["08"], ...UNREACHABLE },
  { codes: ["0A000"], message: /cached plan must not change result type/, ...AGAIN, isConnectionLost: true },
  {
    codes: ["25006"],
    class: "E",
    code: "unavailable",
    state: "read-only",
    isRetryable: true,
    advice: "it is read-only now: a standby, or a quota that is used up",
  },
  { codes: ["25P03", "25P04", "57P05"], ...AGAIN, isConnectionLost: true },
  { codes: ["55006", "72000"], ...AGAIN },
  { codes: ["40001", "40P01", "55P03"], ...CONTENDED },
  {
    codes: ["26000", "42P05"],
    ...AGAIN,
    repeat: "unnamed",
    advice: "set statements: 'unnamed': a pooler is on the way",
  },
  { codes: ["28000", "28P01"], ...REFUSED },
  // In an answer it is a database or schema that the caller's statement names.
  { codes: ["3D000"], ...REFUSED, answerClass: "C", code: "schema", advice: "create the database, or check its name" },
  { codes: ["3F000"], ...REFUSED, answerClass: "C", code: "schema", advice: "create the schema, or check its name" },
  { codes: ["57P04"], ...REFUSED, code: "schema", isConnectionLost: true, advice: "the database was dropped" },
  { codes: ["42501"], class: "C", code: "permission", advice: "GRANT the role what it lacks" },
  { codes: ["53300", "53400"], ...SATURATED },
  {
    codes: ["53"],
    class: "E",
    code: "unavailable",
    state: "no-write",
    isRetryable: true,
    advice: "free or add some room",
  },
  { codes: ["57014"], message: /statement timeout/, ...SILENT, class: "B", isConnectionLost: false },
  { codes: ["57014"], class: "C", code: "query", advice: "it was cancelled on request" },
  { codes: ["57P01", "57P02", "58"], ...UNREACHABLE },
  { codes: ["57P03"], ...UNREACHABLE, sentClass: "A", advice: "the server starts or stops; try again" },
  {
    codes: ["XX001", "XX002"],
    class: "A",
    sentClass: "D",
    code: "unavailable",
    state: "ineligible",
    advice: "the data are damaged: take this server out of use and restore it",
  },

  // Messages of pg, which have no code.
  {
    message: /^timeout expired$|due to connection timeout$/,
    ...UNREACHABLE,
    code: "timeout",
    state: "suspect",
    advice: "check that the server can be reached, or allow more with connectTimeoutMs",
  },
  {
    message: /^timeout exceeded when trying to connect$/,
    class: "B",
    code: "timeout",
    isRetryable: true,
    advice: "raise poolSize",
  },
  { message: /not queryable$/, ...AGAIN, isConnectionLost: true },
  { message: /^Connection terminated/, ...UNREACHABLE },
  {
    message: /does not support SSL|establishing an SSL connection/,
    ...UNTRUSTED,
  },
  { message: /^SASL/, ...REFUSED },
];

/** Total: an error that no row fits is the caller's. */
export function classify(error: NativeError, isSent: boolean): Meaning {
  const isSqlState = error.severity !== undefined;
  const row: Row = ROWS.find((candidate) => fits(candidate, error, isSqlState)) ?? CALLER;
  const isAnswer = isSent && isPlainAnswer(error);
  const sentClass = (isAnswer ? row.answerClass : undefined) ?? row.sentClass ?? row.class;
  const errorClass = isSent ? sentClass : row.class;
  const isUnknown = isSent && (errorClass === "D" || !isAnswer);
  return {
    class: errorClass,
    code: row.code ?? "query",
    // What the caller did says nothing about the provider.
    state: errorClass === "C" ? "none" : (row.state ?? "none"),
    repeat: row.repeat ?? "never",
    isRetryable: row.isRetryable ?? false,
    isConnectionLost: row.isConnectionLost ?? false,
    outcome: isUnknown ? "unknown" : "not_applied",
    advice: row.advice ?? "",
  };
}

function fits({ codes, message }: Row, error: NativeError, isSqlState: boolean): boolean {
  if (codes === undefined ? error.code !== undefined : !codes.some((code) => hasCode(error.code, code, isSqlState))) {
    return false;
  }
  return message === undefined || message.test(error.message);
}

function hasCode(code: string | undefined, expected: string, isSqlState: boolean): boolean {
  if (code === undefined) return false;
  if (expected.endsWith("*")) return code.startsWith(expected.slice(0, -1));
  return expected.length === 2 ? isSqlState && code.startsWith(expected) : code === expected;
}
