/** What PostgreSQL and the way to it answer, as `MemoryError`. */
import { DatabaseError } from "@rivet/db-manager";
import { MemoryError, type MemoryErrorInit } from "@rivet/memory-core";

type Meaning = Omit<MemoryErrorInit, "message" | "cause"> & { readonly problem: string };

const MISSING_TABLES: Meaning = {
  code: "schema",
  problem:
    "does not have the tables that this version expects, or they were moved while this process ran; open a new storage with migrate: true, or run what schemaStatements() of @rivet/postgres-schema gives",
};
const TOO_LARGE: Meaning = {
  code: "invalid_input",
  problem: "cannot hold a value this large; store it elsewhere, and keep where it is",
};

/** By SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  "42P01": MISSING_TABLES,
  "42703": MISSING_TABLES,
  "3F000": MISSING_TABLES,
  "42501": { code: "permission", problem: "does not let this role use the tables; GRANT it what it lacks" },
  "54000": TOO_LARGE,
  "54001": { code: "invalid_input", problem: "cannot parse a value nested this deeply; store it flatter" },
  "22008": {
    code: "invalid_input",
    problem: "cannot hold a time before 4713 BC or after the year 294276; give a time between",
  },
  "53100": {
    code: "unavailable",
    retryable: true,
    problem: "cannot grow: its disk is full; free some space and try again",
  },
  "25006": { code: "unavailable", retryable: true, problem: "is read-only now: a standby, or a quota that is used up" },
};

/** The typed error for what `@rivet/db-manager` threw; one that is typed already stays, and anything else is `unknown`. */
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

/** Whether an error says that no provider took the work, and nothing against the work itself. */
export function isProvidersFault(error: unknown): boolean {
  return DatabaseError.isInstance(error) && (error.code === "unavailable" || error.code === "timeout");
}

/** Whether the tables are not where the statement names them: they were moved, or removed, while this process was at work. */
export function isMissingTable(error: unknown): boolean {
  return DatabaseError.isInstance(error) && error.sqlState === "42P01";
}

/** SQLSTATEs with which our statements end when they must not do what they were asked: NOT NULL and unique violations. */
const REFUSALS: ReadonlySet<string> = new Set(["23502", "23505"]);

/** Whether one of our statements refused what it was asked: a closer look says which row, and why. */
export function isRefusedByStatement(error: unknown): boolean {
  return DatabaseError.isInstance(error) && error.sqlState !== undefined && REFUSALS.has(error.sqlState);
}

/** Whether the server answered that it cannot do what the statement says, so that another statement may fare better. */
export function isCausedByStatement(error: unknown): boolean {
  return DatabaseError.isInstance(error) && error.code === "query";
}
