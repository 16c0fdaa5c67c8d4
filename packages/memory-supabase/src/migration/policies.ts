/**
 * Row-level security. The secret key allows everything, `anon` nothing, and a user's token access to the user's own
 * rows.
 */
import { NO_OWNER, ownerOfUser, tableNames } from "@rivet/postgres-schema";
import { hiddenSchema, namesOf } from "./names.ts";
import { isAdmittedId, isAdmittedRow } from "./functions/admission-functions.ts";
import { IS_WRITING, WRITING_IS_SET } from "./fragments.ts";

const IS_OWN = "(SELECT auth.uid())::text = user_id";
/** A tombstone says whose it is by a hash alone. It is computed once a statement and not for each row. */
const IS_OWN_TOMBSTONE = `owner = (SELECT ${ownerOfUser("auth.uid()::text")})`;
/** A tombstone without an owner, from an earlier version, concerns every user. Only our functions see it. */
const IS_FREE_TOMBSTONE_TO_SEE = `owner = (SELECT CASE WHEN ${WRITING_IS_SET} THEN ${NO_OWNER} END)`;
/**
 * The head of a session that nobody has written to, and of one that was deleted, has no user; only our functions see
 * it, and leave the latter to nobody. It is a policy of its own,
 * and compares as the other does: PostgreSQL uses the index on users for both.
 */
const IS_FREE_TO_SEE = `user_id = (SELECT CASE WHEN ${WRITING_IS_SET} THEN '' END)`;
const IS_FREE = "user_id = ''";

type Command = "SELECT" | "INSERT" | "UPDATE" | "DELETE";

/** A policy for the owner of a row. Policies for teams and others may be added next to it. */
interface Policy {
  readonly table: string;
  readonly command: Command;
  readonly kind: string;
  readonly condition: string;
  /** Whether it holds in addition to all others, and not beside them. */
  readonly isRestrictive?: boolean;
}

function policiesOf(schema: string): Policy[] {
  const { memories, heads, tombstones, hints, peers } = namesOf(schema);
  const own = (table: string, ...commands: readonly Command[]): Policy[] =>
    commands.map((command) => ({ table, command, kind: "own", condition: IS_OWN }));
  // Rows and heads agree because nobody writes the one without the other.
  const throughFunctions = (table: string, ...commands: readonly Command[]): Policy[] =>
    commands.map((command) => ({ table, command, kind: "function", condition: IS_WRITING, isRestrictive: true }));
  return [
    ...own(memories, "SELECT", "INSERT", "DELETE"),
    ...throughFunctions(memories, "INSERT", "DELETE"),
    { table: memories, command: "INSERT", kind: "id", condition: isAdmittedId(schema), isRestrictive: true },
    { table: memories, command: "INSERT", kind: "bounds", condition: isAdmittedRow(schema), isRestrictive: true },
    ...own(heads, "SELECT", "INSERT", "UPDATE"),
    { table: heads, command: "SELECT", kind: "free", condition: IS_FREE_TO_SEE },
    { table: heads, command: "INSERT", kind: "free", condition: IS_FREE },
    { table: heads, command: "UPDATE", kind: "free", condition: IS_FREE },
    ...throughFunctions(heads, "INSERT", "UPDATE"),
    ...(["SELECT", "INSERT", "DELETE"] as const).map((command) => ({
      table: tombstones,
      command,
      kind: "own",
      condition: IS_OWN_TOMBSTONE,
    })),
    { table: tombstones, command: "SELECT", kind: "free", condition: IS_FREE_TOMBSTONE_TO_SEE },
    ...throughFunctions(tombstones, "INSERT", "DELETE"),
    { table: hints, command: "INSERT", kind: "function", condition: IS_WRITING },
    { table: peers, command: "SELECT", kind: "function", condition: IS_WRITING },
  ];
}

export function policyStatements(schema: string): string[] {
  const { schema: place, memories, heads, tombstones, hints, peers, deadLetters, store } = namesOf(schema);
  const hidden = tableNames(hiddenSchema(schema)).schema;
  const tables = [memories, heads, tombstones, hints, peers, deadLetters, store];
  const list = tables.join(", ");
  const policies = policiesOf(schema);
  return [
    ...ownedTombstones(schema),
    ...tables.map((table) => `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`),
    `-- A new project opens every table to everyone by default.
REVOKE ALL ON ${list} FROM anon, authenticated, PUBLIC`,
    `GRANT ALL ON ${list} TO service_role`,
    `REVOKE ALL ON SCHEMA ${hidden} FROM PUBLIC, anon`,
    `GRANT USAGE ON SCHEMA ${place}, ${hidden} TO authenticated, service_role`,
    ...grants(policies),
    ...policies.flatMap(policyStatement),
  ];
}

/** Tombstones are read by owner, as what else a user reads is by user. */
function ownedTombstones(schema: string): string[] {
  const { schema: place, tombstones } = namesOf(schema);
  return [
    `CREATE INDEX IF NOT EXISTS session_tombstones_by_owner ON ${tombstones} (owner, session_id, id)`,
    `-- They looked past the policies, and are needed no more.
DROP FUNCTION IF EXISTS ${place}.rivet_own_tombstone()`,
    `DROP FUNCTION IF EXISTS ${place}.rivet_deleted_sessions(text[])`,
  ];
}

function grants(policies: readonly Policy[]): string[] {
  return [...Map.groupBy(policies, ({ table }) => table)].map(([table, ofTable]) => {
    const commands = [...new Set(ofTable.map(({ command }) => command))].join(", ");
    return `GRANT ${commands} ON ${table} TO authenticated`;
  });
}

/** The clauses of a policy for each command: the rows that it finds, and the rows that it may write. */
const CLAUSES: Readonly<Record<Command, readonly string[]>> = {
  SELECT: ["USING"],
  INSERT: ["WITH CHECK"],
  UPDATE: ["USING", "WITH CHECK"],
  DELETE: ["USING"],
};

function policyStatement({ table, command, kind, condition, isRestrictive = false }: Policy): string[] {
  const name = `rivet_${kind}_${command.toLowerCase()}`;
  const conditions = CLAUSES[command].map((clause) => `\n  ${clause} (${condition})`).join("");
  return [
    `DROP POLICY IF EXISTS ${name} ON ${table}`,
    `CREATE POLICY ${name} ON ${table}${isRestrictive ? " AS RESTRICTIVE" : ""} FOR ${command} TO authenticated${conditions}`,
  ];
}
