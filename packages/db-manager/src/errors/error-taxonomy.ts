/**
 * The meaning of every native error, as a table. The first row that matches decides. Rows match by code, and by message
 * only where a code has several meanings or the error has no code. A row may have a second class for statements that
 * were sent. The table changes no state: it only describes what an error calls for.
 *
 * SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
import type { DatabaseErrorCode, Outcome } from "./errors.ts";
import { isPlainAnswer, type NativeError } from "./native-error.ts";
import type { StateEffect } from "../provider/provider-state.ts";

/**
 * A: try the next provider. B: retry the same provider. C: the caller's fault; throw. D: the statement may have been
 * applied; retry only idempotent work. E: change the provider's state and try the next provider.
 */
export type ErrorClass = "A" | "B" | "C" | "D" | "E";

/** Retries on the same provider: `fresh` retries on a new connection, `unnamed` without a prepared statement. */
export type Repeat = "never" | "fresh" | "unnamed" | "twice" | "three-times";

export interface Meaning {
  readonly class: ErrorClass;
  readonly code: DatabaseErrorCode;
  readonly state: StateEffect;
  readonly repeat: Repeat;
  readonly isRetryable: boolean;
  /** Whether the pool must stop using the connections that it opened before the error. */
  readonly isConnectionLost: boolean;
  readonly outcome: Outcome;
  /** The remedy, appended to the native message. */
  readonly advice: string;
}

interface Row extends Partial<Omit<Meaning, "outcome">> {
  /** Full codes, SQLSTATE classes of two characters, or beginnings that end in `*`. */
  readonly codes?: readonly string[];
  readonly message?: RegExp;
  /** The class after the statement was sent, if it differs. */
  readonly sentClass?: ErrorClass;
  /** The class when the server answered the statement with this error and kept the connection open, if it differs. */
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
  advice: "check that the server is running and reachable",
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
  advice: "this host has run out of open files or local ports: raise its limits, or open fewer connections",
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
  {
    codes: ["RIVET_TRANSACTION_OVER"],
    class: "C",
    code: "closed",
    advice: "await every statement inside the transaction",
  },
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
  { codes: ["RIVET_ROLLED_BACK"], class: "C", code: "query", advice: "rethrow the error of the failed statement" },
  {
    message: /on behalf of a different request/i,
    class: "C",
    code: "unavailable",
    advice:
      "on Cloudflare Workers a connection belongs to the request that opened it: create the storage or the DatabaseManager " +
      "in the request handler, and close it when the request ends",
  },
  { codes: ["EMFILE", "ENFILE", "EADDRNOTAVAIL"], ...THIS_HOST },

  // The way to the server.
  { codes: ["ENOTFOUND"], ...UNREACHABLE, advice: "the host's name does not exist; check the address" },
  { codes: ["EAI_AGAIN"], ...UNREACHABLE, class: "B", advice: "the host's name could not be resolved; try again" },
  { codes: ["ENOENT"], ...UNREACHABLE, advice: "the socket does not exist; check that the server is running" },
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

  // Poolers. They use codes that have other meanings in PostgreSQL itself.
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
    advice: "the server is read-only now: it is a standby, or its quota is used up",
  },
  { codes: ["25P03", "25P04", "57P05"], ...AGAIN, isConnectionLost: true },
  { codes: ["55006", "72000"], ...AGAIN },
  { codes: ["40001", "40P01", "55P03"], ...CONTENDED },
  {
    codes: ["26000", "42P05"],
    ...AGAIN,
    repeat: "unnamed",
    advice: "a pooler shares the connections: set the provider's option statements: 'unnamed'",
  },
  { codes: ["28000", "28P01"], ...REFUSED },
  // If a statement was answered with one of these, the statement itself names the missing database or schema.
  { codes: ["3D000"], ...REFUSED, answerClass: "C", code: "schema", advice: "create the database, or check its name" },
  { codes: ["3F000"], ...REFUSED, answerClass: "C", code: "schema", advice: "create the schema, or check its name" },
  { codes: ["57P04"], ...REFUSED, code: "schema", isConnectionLost: true, advice: "the database was dropped" },
  { codes: ["42501"], class: "C", code: "permission", advice: "GRANT the role the missing privilege" },
  { codes: ["53300", "53400"], ...SATURATED },
  {
    codes: ["53"],
    class: "E",
    code: "unavailable",
    state: "no-write",
    isRetryable: true,
    advice: "the server lacks disk space or memory: free some or add some",
  },
  { codes: ["57014"], message: /statement timeout/, ...SILENT, class: "B", isConnectionLost: false },
  { codes: ["57014"], class: "C", code: "query", advice: "someone cancelled the statement" },
  { codes: ["57P01", "57P02", "58"], ...UNREACHABLE },
  { codes: ["57P03"], ...UNREACHABLE, sentClass: "A", advice: "the server is starting or stopping; try again" },
  {
    codes: ["XX001", "XX002"],
    class: "A",
    sentClass: "D",
    code: "unavailable",
    state: "ineligible",
    advice: "the server's data is damaged: take it out of use and restore it",
  },

  // Errors of pg that have a message but no code.
  {
    message: /^timeout expired$|due to connection timeout$/,
    ...UNREACHABLE,
    code: "timeout",
    state: "suspect",
    advice: "check that the server is reachable, or allow more time with connectTimeoutMs",
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

/** Finds the meaning of an error. An error that matches no row is the caller's fault. */
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
    // A mistake of the caller is not evidence about the provider.
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
