import { describe, expect, it } from "vitest";
import { classify, type ErrorClass, type Repeat } from "../src/errors/error-taxonomy.ts";
import type { DatabaseErrorCode } from "../src/errors/errors.ts";
import { readNativeError } from "../src/errors/native-error.ts";
import type { StateEffect } from "../src/provider/provider-state.ts";
import { LatencyWindow } from "../src/provider/latency.ts";
import { Redactor } from "../src/errors/redaction.ts";
import { repeatDelayMs, type Attempt } from "../src/routing/repetition.ts";

/** An error as the server returns it. */
function answer(code: string, message = "", severity = "ERROR"): Error {
  return Object.assign(new Error(message), { code, severity });
}
function fatal(code: string, message = ""): Error {
  return answer(code, message, "FATAL");
}
function system(code: string): Error {
  return Object.assign(new Error(`connect ${code} 127.0.0.1:5432`), { code });
}
function dualStack(code: string): Error {
  return Object.assign(new AggregateError([system(code), system(code)], ""), { code });
}

type Row = readonly [Error, unsent: ErrorClass, sent: ErrorClass, DatabaseErrorCode, StateEffect, Repeat];

const ROWS: readonly Row[] = [
  ...["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ECONNRESET", "EPIPE", "ENOTFOUND", "ENOENT"].map((code): Row => [
    system(code),
    "A",
    "D",
    "unavailable",
    "down",
    "fresh",
  ]),
  [system("ETIMEDOUT"), "A", "D", "timeout", "down", "fresh"],
  [dualStack("ECONNREFUSED"), "A", "D", "unavailable", "down", "fresh"],
  [new AggregateError([system("EHOSTUNREACH"), system("ECONNREFUSED")], ""), "A", "D", "unavailable", "down", "fresh"],
  [system("EAI_AGAIN"), "B", "D", "unavailable", "down", "fresh"],
  ...["EMFILE", "ENFILE", "EADDRNOTAVAIL"].map((code): Row => [system(code), "C", "C", "unavailable", "none", "never"]),
  ...["RIVET_ABORTED", "RIVET_POOL_FULL", "RIVET_DEADLINE", "RIVET_CLOSED", "RIVET_TRANSACTION_OVER"].map(
    (code): Row => {
      const errorClass = code === "RIVET_DEADLINE" ? "D" : code === "RIVET_POOL_FULL" ? "B" : "C";
      const isClosed = code === "RIVET_CLOSED" || code === "RIVET_TRANSACTION_OVER";
      return [system(code), errorClass, errorClass, isClosed ? "closed" : "timeout", "none", "never"];
    },
  ),
  [system("RIVET_CERTIFICATE_FILE"), "C", "C", "invalid_input", "none", "never"],
  [system("RIVET_ROLLED_BACK"), "C", "C", "query", "none", "never"],
  [new Error("timeout expired"), "A", "D", "timeout", "suspect", "fresh"],
  [new Error("Connection terminated due to connection timeout"), "A", "D", "timeout", "suspect", "fresh"],
  [new Error("timeout exceeded when trying to connect"), "B", "B", "timeout", "none", "never"],
  [system("RIVET_NO_ANSWER"), "D", "D", "timeout", "suspect", "fresh"],
  [new Error("Connection terminated unexpectedly"), "A", "D", "unavailable", "down", "fresh"],
  [new Error("Connection terminated"), "A", "D", "unavailable", "down", "fresh"],
  [new Error("Client was closed and is not queryable"), "B", "B", "unavailable", "none", "fresh"],
  [
    new Error("Client has encountered a connection error and is not queryable"),
    "B",
    "B",
    "unavailable",
    "none",
    "fresh",
  ],
  [new Error("The server does not support SSL connections"), "E", "E", "unavailable", "ineligible", "never"],
  [new Error("There was an error establishing an SSL connection"), "E", "E", "unavailable", "ineligible", "never"],
  ...[
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "SELF_SIGNED_CERT_IN_CHAIN",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "CERT_HAS_EXPIRED",
    "ERR_TLS_CERT_ALTNAME_INVALID",
    "ERR_SSL_WRONG_VERSION_NUMBER",
    "EPROTO",
  ].map((code): Row => [system(code), "E", "E", "unavailable", "ineligible", "never"]),
  [
    new Error("SASL: SCRAM-SERVER-FINAL-MESSAGE: server signature is missing"),
    "E",
    "E",
    "permission",
    "ineligible",
    "never",
  ],
  ...["08000", "08001", "08003", "08004", "08006"].map((code): Row => [
    fatal(code),
    "A",
    "D",
    "unavailable",
    "down",
    "fresh",
  ]),
  [answer("08007"), "D", "D", "unavailable", "none", "fresh"],
  [answer("40003"), "D", "D", "unavailable", "none", "fresh"],
  [fatal("08P01", "server_login_retry"), "A", "D", "unavailable", "down", "fresh"],
  [fatal("08P01", "server conn crashed?"), "A", "D", "unavailable", "down", "fresh"],
  [fatal("08P01", "pooler is shutting down"), "A", "D", "unavailable", "down", "fresh"],
  [fatal("08P01", "query_wait_timeout"), "E", "E", "unavailable", "saturated", "twice"],
  [fatal("08P01", "no more connections allowed (max_client_conn)"), "E", "E", "unavailable", "saturated", "twice"],
  [fatal("08P01", "unsupported startup parameter: statement_timeout"), "C", "C", "invalid_input", "none", "never"],
  [fatal("08P01", "SASL authentication failed"), "E", "E", "permission", "ineligible", "never"],
  ...["no such database: x", 'database "x" does not exist'].map((text): Row => [
    fatal("08P01", text),
    "E",
    "E",
    "schema",
    "ineligible",
    "never",
  ]),
  [fatal("08P01", 'database "x" is disabled'), "E", "E", "unavailable", "ineligible", "never"],
  [fatal("08P01", "database removed"), "A", "D", "unavailable", "down", "fresh"],
  [fatal("08P01", "query timeout"), "D", "D", "timeout", "suspect", "fresh"],
  ...["idle transaction timeout", "client_idle_timeout"].map((text): Row => [
    fatal("08P01", text),
    "B",
    "B",
    "unavailable",
    "none",
    "fresh",
  ]),
  [answer("08P01", "invalid message"), "C", "C", "query", "none", "never"],
  [answer("0A000", "cached plan must not change result type"), "B", "B", "unavailable", "none", "fresh"],
  [answer("0A000", "not supported"), "C", "C", "query", "none", "never"],
  ...["22P02", "23505", "42601", "42P01", "42703", "P0001", "2201E", "25P02"].map((code): Row => [
    answer(code),
    "C",
    "C",
    "query",
    "none",
    "never",
  ]),
  [answer("42501"), "C", "C", "permission", "none", "never"],
  [answer("25006"), "E", "E", "unavailable", "read-only", "never"],
  ...["25P03", "25P04", "57P05"].map((code): Row => [fatal(code), "B", "B", "unavailable", "none", "fresh"]),
  ...["55006", "72000"].map((code): Row => [answer(code), "B", "B", "unavailable", "none", "fresh"]),
  ...["40001", "40P01", "55P03"].map((code): Row => [answer(code), "B", "B", "query", "none", "three-times"]),
  ...["26000", "42P05"].map((code): Row => [answer(code), "B", "B", "unavailable", "none", "unnamed"]),
  ...["28000", "28P01"].map((code): Row => [fatal(code), "E", "E", "permission", "ineligible", "never"]),
  [fatal("3D000"), "E", "E", "schema", "ineligible", "never"],
  [fatal("57P04"), "E", "E", "schema", "ineligible", "never"],
  ...["53000", "53100", "53200"].map((code): Row => [answer(code), "E", "E", "unavailable", "no-write", "never"]),
  ...["53300", "53400"].map((code): Row => [fatal(code), "E", "E", "unavailable", "saturated", "twice"]),
  [answer("57014", "canceling statement due to statement timeout"), "B", "B", "timeout", "suspect", "fresh"],
  [answer("57014", "canceling statement due to user request"), "C", "C", "query", "none", "never"],
  ...["57P01", "57P02", "58000", "58030"].map((code): Row => [fatal(code), "A", "D", "unavailable", "down", "fresh"]),
  [fatal("57P03", "the database system is starting up"), "A", "A", "unavailable", "down", "fresh"],
  ...["XX001", "XX002"].map((code): Row => [answer(code), "A", "D", "unavailable", "ineligible", "never"]),
  ...["ECHECKOUTTIMEOUT", "EMAXCONNSESSION", "Too many connections"].map((text): Row => [
    fatal("XX000", text),
    "E",
    "E",
    "unavailable",
    "saturated",
    "twice",
  ]),
  ...["ECIRCUITBREAKER", "EDBHANDLEREXITED", "Couldn't connect to compute node", "Control plane request failed"].map(
    (text): Row => [fatal("XX000", text), "A", "D", "unavailable", "down", "fresh"],
  ),
  ...["ENOTFOUND: tenant", "EBANNED", "compute time quota exceeded", "endpoint is disabled"].map((text): Row => [
    fatal("XX000", text),
    "E",
    "E",
    "unavailable",
    "ineligible",
    "never",
  ]),
  [fatal("XX000", "EWRONGPASSWORD"), "E", "E", "permission", "ineligible", "never"],
  [answer("XX000", "cache lookup failed"), "C", "C", "query", "none", "never"],
  [new Error("anything else"), "C", "C", "query", "none", "never"],
];

describe("the taxonomy", () => {
  it.each(ROWS.map((row) => [readNativeError(row[0]), row] as const))("of $code $message", (native, row) => {
    const [, unsent, sent, code, state, repeat] = row;
    expect(classify(native, false)).toMatchObject({
      class: unsent,
      code,
      repeat,
      outcome: "not_applied",
      state: unsent === "C" ? "none" : state,
    });
    const isAnswered = native.severity === "ERROR";
    const outcome = sent === "D" || !isAnswered ? "unknown" : "not_applied";
    expect(classify(native, true)).toMatchObject({ class: sent, code, repeat, outcome });
  });

  it.each(["3D000", "3F000"])("takes %s for the caller's in an answer, and else for the provider's", (code) => {
    const [native, ending] = [readNativeError(answer(code)), readNativeError(fatal(code))];
    expect(classify(native, true)).toMatchObject({ class: "C", code: "schema", state: "none" });
    for (const meaning of [classify(native, false), classify(ending, false), classify(ending, true)]) {
      expect(meaning).toMatchObject({ class: "E", code: "schema", state: "ineligible" });
    }
  });

  it("does not take a code of the system for a SQLSTATE class", () => {
    expect(classify(readNativeError(system("53-like")), false).state).toBe("none");
  });

  it("is total: anything may be thrown", () => {
    for (const thrown of [undefined, null, 7, "text", {}, { code: 5 }, new AggregateError([null, 1], "")]) {
      expect(classify(readNativeError(thrown), true)).toMatchObject({ class: "C", code: "query" });
      expect(readNativeError(thrown).message).not.toBe("");
    }
  });
});

describe("repeats", () => {
  const failure = (error: Error, isSent = true) => ({
    meaning: classify(readNativeError(error), isSent),
    isUntouched: !isSent,
    isConnectionSound: true,
  });
  const delay = (error: Error, attempt: Partial<Attempt>, isSent = true) =>
    repeatDelayMs(
      failure(error, isSent),
      {
        kind: "statement",
        isIdempotent: false,
        outcome: failure(error, isSent).meaning.outcome,
        repeats: 0,
        ...attempt,
      },
      () => 0.5,
    );

  it("of lost connections are for idempotent work, once and at once", () => {
    const lost = new Error("Connection terminated unexpectedly");
    expect(delay(lost, {})).toBeUndefined();
    expect(delay(lost, { isIdempotent: true })).toBe(0);
    expect(delay(lost, { isIdempotent: true, repeats: 1 })).toBeUndefined();
    // A provider that cannot be reached is not asked again.
    expect(delay(lost, { isIdempotent: true }, false)).toBeUndefined();
  });

  it("of contended rows are for all but a non-idempotent run, three times, after 10 to 100 ms", () => {
    const deadlock = answer("40P01");
    expect(delay(deadlock, {})).toBe(55);
    expect(delay(deadlock, { kind: "transaction", repeats: 2 })).toBe(55);
    expect(delay(deadlock, { kind: "transaction", repeats: 3 })).toBeUndefined();
    expect(delay(deadlock, { kind: "run" })).toBeUndefined();
    expect(delay(deadlock, { kind: "run", isIdempotent: true })).toBe(55);
  });

  it("of a transaction for other reasons are only for what is idempotent", () => {
    expect(delay(answer("55006"), { kind: "transaction" })).toBeUndefined();
    expect(delay(answer("55006"), { kind: "statement" })).toBe(0);
    expect(delay(answer("23505"), { isIdempotent: true })).toBeUndefined();
  });
});

describe("latencies", () => {
  it("are those of the latest 256 answers", () => {
    const window = new LatencyWindow();
    expect(window.summary()).toEqual({ p50: undefined, p99: undefined });
    for (let latencyMs = 1; latencyMs <= 100; latencyMs += 1) window.record(latencyMs);
    expect(window.summary()).toEqual({ p50: 50, p99: 99 });
    for (let count = 0; count < 256; count += 1) window.record(5);
    expect(window.summary()).toEqual({ p50: 5, p99: 5 });
  });

  it("are not spoilt by a clock that jumps", () => {
    const window = new LatencyWindow();
    for (const latencyMs of [3, -5000, NaN, Infinity]) window.record(latencyMs);
    expect(window.summary()).toEqual({ p50: 3, p99: 3 });
  });
});

describe("the redactor", () => {
  it("takes a secret out of errors and what they hold", () => {
    const redactor = new Redactor(["s3cret/x"], ["ada"]);
    const error = new AggregateError([new Error("at s3cret%2Fx")], "s3cret/x", { cause: { detail: "a s3cret/x b" } });
    redactor.clean(error);
    expect(error.message).toBe("***");
    expect(error.stack).not.toContain("s3cret");
    expect(error.errors[0]?.message).toBe("at ***");
    expect(error.cause).toEqual({ detail: "a *** b" });
  });

  it("leaves what is public or too short as it is", () => {
    const redactor = new Redactor(["ada", "postgres"], ["postgres"]);
    expect(redactor.text("ada at postgres")).toBe("ada at postgres");
  });
});
