/** Converts errors of PostgreSQL and of the connection to `MemoryError`. */
import { DatabaseError } from "@rivet/db-manager";
import { MemoryError, type MemoryErrorInit } from "@rivet/memory-core";

type Meaning = Omit<MemoryErrorInit, "message" | "cause"> & { readonly problem: string };

const MISSING_TABLES: Meaning = {
  code: "schema",
  problem:
    "does not have the tables that this version expects, or they were moved while this process ran; open a new storage with migrate: true, or run the SQL that schemaStatements() of @rivet/postgres-schema returns",
};
const TOO_LARGE: Meaning = {
  code: "invalid_input",
  problem: "cannot store a value this large; keep it elsewhere and save a reference to it",
};

/** Meanings by SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  "42P01": MISSING_TABLES,
  "42703": MISSING_TABLES,
  "3F000": MISSING_TABLES,
  "42501": { code: "permission", problem: "does not let this role use the tables; GRANT it the missing privileges" },
  "54000": TOO_LARGE,
  "54001": { code: "invalid_input", problem: "cannot parse a value nested this deeply; save a flatter one" },
  "22008": {
    code: "invalid_input",
    problem: "cannot store a time before 4713 BC or after the year 294276; use a time in between",
  },
  "53100": {
    code: "unavailable",
    retryable: true,
    problem: "cannot grow: its disk is full; free some space and try again",
  },
  "25006": {
    code: "unavailable",
    retryable: true,
    problem: "is read-only now: it is a standby, or its quota is used up",
  },
};

/** Converts an error of `@rivet/db-manager`. A `MemoryError` stays as it is, and any other error becomes `unknown`. */
export function toPostgresMemoryError(error: unknown): MemoryError {
  if (MemoryError.isInstance(error)) return error;
  if (!DatabaseError.isInstance(error)) {
    const reason = error instanceof Error ? error.message : String(error);
    return new MemoryError({ code: "unknown", message: reason, cause: error });
  }
  const { code, message, sqlState = "", retryable, outcome, provider } = error;
  const meaning = MEANINGS[sqlState];
  if (meaning !== undefined) {
    const { problem, ...init } = meaning;
    return new MemoryError({
      outcome: "not_applied",
      ...init,
      message: `${provider ?? "PostgreSQL"} ${problem} (${sqlState})`,
      cause: error,
    });
  }
  return new MemoryError({ code: code === "query" ? "unknown" : code, message, retryable, outcome, cause: error });
}

/** Whether an error means that no provider took the work, rather than a fault of the work itself. */
export function isProvidersFault(error: unknown): boolean {
  return DatabaseError.isInstance(error) && (error.code === "unavailable" || error.code === "timeout");
}

/**
 * Whether the tables are missing in the schema that the statement names: they were moved or removed while this process
 * ran.
 */
export function isMissingTable(error: unknown): boolean {
  return DatabaseError.isInstance(error) && error.sqlState === "42P01";
}

/** SQLSTATEs with which this package's statements refuse a write: NOT NULL and unique violations. */
const REFUSALS: ReadonlySet<string> = new Set(["23502", "23505"]);

/**
 * Whether a statement of this package refused a write. Only a transaction that locks and reads can find the row and
 * reason.
 */
export function isRefusedByStatement(error: unknown): boolean {
  return DatabaseError.isInstance(error) && error.sqlState !== undefined && REFUSALS.has(error.sqlState);
}

/** Whether the server rejected the statement itself, so that another statement may succeed. */
export function isCausedByStatement(error: unknown): boolean {
  return DatabaseError.isInstance(error) && error.code === "query";
}
