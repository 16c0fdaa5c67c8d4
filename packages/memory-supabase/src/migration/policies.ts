/** Who may do what. Whoever holds the secret key may do everything, and `anon` nothing. */
import { tableNames } from "@rivet/postgres-schema";
import { IS_WRITING, plpgsql } from "./fragments.ts";

const IS_OWN = "(SELECT auth.uid())::text = user_id";
/** A session without atoms is nobody's, and its head stays. */
const IS_OWN_OR_FREE = `(${IS_OWN} OR user_id = '')`;

/**
 * An id from the far future would drag along the clock of every process that reads it. The packages check it themselves;
 * whoever calls the API without them is checked here.
 */
const IS_ATOM_ID = `id::text ~ '^.{14}7.{4}[89ab]'
    AND ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint < extract(epoch FROM now() + interval '25 hours') * 1000`;

interface Policy {
  readonly table: string;
  readonly command: "SELECT" | "INSERT" | "UPDATE" | "DELETE";
  readonly using?: string;
  readonly check?: string;
}

export function policyStatements(schema: string): string[] {
  const { schema: place, memories, heads, tombstones, hints, peers, deadLetters, store } = tableNames(schema);
  const tables = [memories, heads, tombstones, hints, peers, deadLetters, store];
  const policies: readonly Policy[] = [
    { table: memories, command: "SELECT", using: IS_OWN },
    { table: memories, command: "INSERT", check: `${IS_OWN} AND ${IS_WRITING} AND ${IS_ATOM_ID}` },
    { table: memories, command: "DELETE", using: `${IS_OWN} AND ${IS_WRITING}` },
    // While one of our functions writes, it sees whose a session is, and refuses those of others.
    { table: heads, command: "SELECT", using: `${IS_OWN} OR ${IS_WRITING}` },
    { table: heads, command: "INSERT", check: `${IS_OWN_OR_FREE} AND ${IS_WRITING}` },
    {
      table: heads,
      command: "UPDATE",
      using: `${IS_OWN_OR_FREE} AND ${IS_WRITING}`,
      check: `${IS_OWN_OR_FREE} AND ${IS_WRITING}`,
    },
    // A deleted session's id is never used again, whoever comes.
    { table: tombstones, command: "SELECT", using: `${IS_OWN} OR ${IS_WRITING}` },
    { table: tombstones, command: "INSERT", check: `${IS_OWN} AND ${IS_WRITING}` },
    { table: tombstones, command: "DELETE", using: IS_WRITING },
    { table: hints, command: "INSERT", check: IS_WRITING },
    { table: peers, command: "SELECT", using: IS_WRITING },
  ];
  return [
    ...ownedTombstones(schema),
    ...tables.map((table) => `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`),
    `-- A new project opens every table to everyone by default.
REVOKE ALL ON ${tables.join(", ")} FROM anon, authenticated, PUBLIC`,
    `GRANT ALL ON ${tables.join(", ")} TO service_role`,
    ...grants(policies),
    ...policies.flatMap(policyStatement),
    `GRANT USAGE ON SCHEMA ${place} TO authenticated, service_role`,
  ];
}

/** A tombstone remembers whose the atom was, whoever deletes it: the head knows it at that moment. */
function ownedTombstones(schema: string): string[] {
  const { schema: place, heads, tombstones } = tableNames(schema);
  return [
    `-- Whose it was, so that nobody else sees it.
ALTER TABLE ${tombstones} ADD COLUMN IF NOT EXISTS user_id text COLLATE "C"`,
    `CREATE INDEX IF NOT EXISTS session_tombstones_by_user ON ${tombstones} (user_id, session_id, id)`,
    plpgsql(
      `${place}.rivet_own_tombstone()`,
      "trigger",
      `
BEGIN
  NEW.user_id := (SELECT user_id FROM ${heads} AS head WHERE head.session_id = NEW.session_id AND head.user_id <> '');
  IF NEW.user_id IS NULL THEN
    NEW.user_id := auth.uid()::text;
  END IF;
  RETURN NEW;
END`,
    ),
    `CREATE OR REPLACE TRIGGER rivet_own_tombstone BEFORE INSERT ON ${tombstones}
  FOR EACH ROW EXECUTE FUNCTION ${place}.rivet_own_tombstone()`,
  ];
}

function grants(policies: readonly Policy[]): string[] {
  const byTable = Map.groupBy(policies, ({ table }) => table);
  return [...byTable].map(([table, ofTable]) => {
    const commands = ofTable.map(({ command }) => command).join(", ");
    return `GRANT ${commands} ON ${table} TO authenticated`;
  });
}

function policyStatement({ table, command, using, check }: Policy): string[] {
  const name = `rivet_own_${command.toLowerCase()}`;
  const conditions = [
    ...(using === undefined ? [] : [`\n  USING (${using})`]),
    ...(check === undefined ? [] : [`\n  WITH CHECK (${check})`]),
  ].join("");
  return [
    `DROP POLICY IF EXISTS ${name} ON ${table}`,
    `CREATE POLICY ${name} ON ${table} FOR ${command} TO authenticated${conditions}`,
  ];
}
