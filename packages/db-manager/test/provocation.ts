/** Errors that are brought about for real, and what is made of them. */
import { randomUUID } from "node:crypto";
import { until, type PostgresServer } from "@rivet/local-servers";
import type { DatabaseErrorCode, DatabaseManager, Outcome, ProviderHandle, StateChange } from "@rivet/db-manager";
import { expect } from "vitest";
import { classify, type ErrorClass } from "../src/errors/error-taxonomy.ts";
import { failureOf as factsOf } from "../src/errors/failure.ts";
import { readNativeError } from "../src/errors/native-error.ts";
import type { StateEffect } from "../src/provider/provider-state.ts";
import { failureOf } from "./servers.ts";

/** The expected meaning of an error. */
export interface Meaning {
  /** The class when nothing was sent, and when the statement was. */
  readonly classes: readonly [unsent: ErrorClass, sent: ErrorClass];
  readonly code: DatabaseErrorCode;
  readonly state: StateEffect;
  readonly retryable: boolean;
}

export const CALLER: Meaning = { classes: ["C", "C"], code: "query", state: "none", retryable: false };
export const CONTENDED: Meaning = { classes: ["B", "B"], code: "query", state: "none", retryable: true };
export const AGAIN: Meaning = { classes: ["B", "B"], code: "unavailable", state: "none", retryable: true };
export const UNREACHABLE: Meaning = { classes: ["A", "D"], code: "unavailable", state: "down", retryable: true };
export const STARTING: Meaning = { ...UNREACHABLE, classes: ["A", "A"] };
export const NO_CONNECTION_IN_TIME: Meaning = { ...UNREACHABLE, code: "timeout", state: "suspect" };
export const SILENT: Meaning = { classes: ["D", "D"], code: "timeout", state: "suspect", retryable: true };
export const SLOW: Meaning = { ...SILENT, classes: ["B", "B"] };
export const SATURATED: Meaning = { classes: ["E", "E"], code: "unavailable", state: "saturated", retryable: true };
export const READ_ONLY: Meaning = { ...SATURATED, state: "read-only" };
export const FULL: Meaning = { ...SATURATED, state: "no-write" };
export const REFUSED: Meaning = { classes: ["E", "E"], code: "permission", state: "ineligible", retryable: false };
export const UNTRUSTED: Meaning = { ...REFUSED, code: "unavailable" };
export const NO_DATABASE: Meaning = { ...REFUSED, code: "schema" };
/** A database or schema that the caller's statement names. */
export const NAMES_NOTHING: Meaning = { ...CALLER, classes: ["E", "C"], code: "schema" };
export const DAMAGED: Meaning = { ...UNREACHABLE, state: "ineligible", retryable: false };

/** The circumstances of an error. */
export interface Circumstances {
  /** The native error: a SQLSTATE, or a code of the system. Undefined where it has none. */
  readonly code: string | undefined;
  /** A part of the native message. */
  readonly message?: string;
  readonly isSent: boolean;
  readonly outcome: Outcome;
}

/** The server answered a statement with an error. */
export function answered(code: string, message = ""): Circumstances {
  return { code, message, isSent: true, outcome: "not_applied" };
}

/** The connection ended, or fell silent, under a statement. */
export function cut(code: string | undefined, message = ""): Circumstances {
  return { code, message, isSent: true, outcome: "unknown" };
}

/** There was no connection to send anything on. */
export function unsent(code: string | undefined, message = ""): Circumstances {
  return { code, message, isSent: false, outcome: "not_applied" };
}

/** Work as the callers of `run()` write it, whose statements are tried once. */
export type Work = (provider: ProviderHandle) => Promise<unknown>;

export function statement(text: string): Work {
  return (provider) => provider.query(text);
}

export const SELECT = statement("SELECT 1");

/** A statement that takes as long as nobody ends it, and the wait for the process of the server that runs it. */
export function longStatement(server: PostgresServer, from = ""): { work: Work; untilRunning: () => Promise<number> } {
  const text = `SELECT pg_sleep(30), '${randomUUID()}' ${from}`;
  const running = "SELECT pid FROM pg_stat_activity WHERE query = $1 AND state = 'active'";
  const untilRunning = (): Promise<number> =>
    until(async () => {
      const [row] = await server.query(running, [text]);
      expect(row).toBeDefined();
      return Number(row?.["pid"]);
    });
  return { work: statement(text), untilRunning };
}

/** Checks that the work fails with the error, what its caller is told of it, and what becomes of the provider. */
export async function expectFailure(
  db: DatabaseManager,
  work: Work,
  { code, message = "", isSent, outcome }: Circumstances,
  meaning: Meaning,
): Promise<void> {
  const changes: StateChange[] = [];
  db.on("stateChange", (change) => changes.push(change));
  const error = await failureOf(db.run(work));
  const native = readNativeError(error.cause);
  const facts = factsOf(error);
  const change = changes.find((candidate) => candidate.error?.cause === error.cause);
  expect({
    native: native.code,
    sqlState: error.sqlState,
    isSent: facts?.isUntouched === false,
    class: facts?.meaning.class,
    code: error.code,
    retryable: error.retryable,
    outcome: error.outcome,
    state: change?.to ?? "none",
  }).toEqual({
    native: code,
    sqlState: native.severity === undefined ? undefined : code,
    isSent,
    class: meaning.classes[isSent ? 1 : 0],
    code: meaning.code,
    retryable: meaning.retryable,
    outcome,
    state: meaning.state,
  });
  expect(native.message).toContain(message);
  expect([classify(native, false).class, classify(native, true).class]).toEqual(meaning.classes);
}
