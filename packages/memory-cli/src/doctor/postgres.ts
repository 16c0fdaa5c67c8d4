/** Checks PostgreSQL providers without changing anything. */
import { DatabaseError, type DatabaseManager, type ProviderHandle } from "@rivet/db-manager";
import { MemoryError } from "@rivet/memory-core";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import {
  checkSchema,
  DEFAULT_SCHEMA,
  findTables,
  SCHEMA_VERSION,
  tableNames,
  type SchemaOptions,
} from "@rivet/postgres-schema";
import { managerOf } from "../storage/manager.ts";
import { clockFinding, ok, problem, unused, UPGRADE, warning, type Finding } from "./finding.ts";
import { examineOpenSchemas } from "./open-schemas.ts";
import { examineIds } from "./postgres-ids.ts";
import { examineJournal } from "./sqlite.ts";

/** For one provider with all that it is asked. */
const DEADLINE_MS = 10_000;
const LATENCY_SAMPLES = 5;
const MORE_CONNECTIONS = "lower poolSize, or connect through the provider's pooler";
/** Slower than this, a save is what an agent's user notices. */
const SLOW_MS = 300;

/** The schema of the tables, and the journal. */
interface Place {
  readonly schema?: string | undefined;
  /** The journal that the user named. */
  readonly journalPath?: string | undefined;
}

export async function examinePostgres(url: string, { schema, journalPath }: Place = {}): Promise<Finding[]> {
  const place = schema === undefined ? {} : { schema };
  let db: DatabaseManager;
  try {
    db = managerOf(url);
  } catch (error) {
    return [problem("configuration", "configuration", messageOf(error), "set the variables, or give an address")];
  }
  try {
    const skipped = db.skipped.map(({ name, variables }) =>
      unused(name, "configuration", `is not configured (${variables.join(", ")})`),
    );
    const examined = await Promise.all(db.providerNames.map((name) => examineProvider(db, name, place)));
    const isAnyWell = examined.some((findings) => findings.every(({ level }) => level !== "problem"));
    const replication = isAnyWell && db.providerNames.length > 1 ? await examineReplication(db, place) : [];
    const journal = await examineJournals(db, journalPath);
    return [...skipped, ...examined.flat(), ...replication, ...journal];
  } finally {
    await db.close();
  }
}

/** A journal that nobody named is looked at too, as agents of this folder use it by default. */
async function examineJournals(db: DatabaseManager, journalPath: string | undefined): Promise<Finding[]> {
  const path = journalPath ?? db.journal?.path;
  return path === undefined ? [] : examineJournal(path);
}

async function examineProvider(db: DatabaseManager, name: string, place: SchemaOptions): Promise<Finding[]> {
  const findings: Finding[] = [];
  const host = db.getProviderStats()[name]?.host ?? "";
  try {
    await db.run(
      async (handle) => {
        findings.length = 0;
        const server = await examineServer(handle, name, host);
        findings.push(ok(name, "reachable", `answers at ${host}`), ...server);
        findings.push(...(await examineSchema(handle, name, place)));
      },
      { providers: [name], readOnly: true, deadlineMs: DEADLINE_MS },
    );
  } catch (error) {
    findings.push(unreachable(name, error));
  }
  return findings;
}

const SERVER = `
SELECT pg_catalog.current_setting('server_version') AS version, pg_catalog.pg_is_in_recovery() AS "isStandby",
  pg_catalog.current_setting('transaction_read_only') = 'on' AS "isReadOnly",
  pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000::double precision AS "nowMs",
  COALESCE((SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()), false) AS "isEncrypted",
  pg_catalog.current_setting('max_connections')::integer - (SELECT pg_catalog.sum(numbackends) FROM pg_catalog.pg_stat_database)::integer AS "freeConnections"`;

async function examineServer(handle: ProviderHandle, name: string, host: string): Promise<Finding[]> {
  const timesMs: number[] = [];
  for (let sample = 0; sample < LATENCY_SAMPLES; sample++) {
    const startMs = performance.now();
    await handle.query("SELECT 1");
    timesMs.push(performance.now() - startMs);
  }
  const latencyMs = timesMs.toSorted((left, right) => left - right)[LATENCY_SAMPLES >> 1] ?? Number.NaN;
  const askedMs = Date.now();
  const { rows } = await handle.query<{
    version: string;
    isStandby: boolean;
    isReadOnly: boolean;
    nowMs: string;
    isEncrypted: boolean;
    freeConnections: number;
  }>(SERVER);
  const answeredMs = Date.now();
  const [server] = rows;
  if (server === undefined) return [];
  const isLocal = /^(127\.|localhost|\[?::1|\/)/.test(host);
  return [
    latencyMs <= SLOW_MS
      ? ok(name, "latency", `a statement takes ${latencyMs.toFixed(1)} ms; PostgreSQL ${server.version}`)
      : warning(
          name,
          "latency",
          `a statement takes ${latencyMs.toFixed(0)} ms`,
          "prefer a provider in the region of the agent: DATABASE_PROVIDER names it",
        ),
    server.isStandby || server.isReadOnly
      ? problem(
          name,
          "read-only",
          server.isStandby ? "is a standby, and takes no saves" : "is read only, and takes no saves",
          "give the address of the primary, or end default_transaction_read_only; providers set it when a disk is full",
        )
      : ok(name, "writable", "is a primary, and not read only"),
    clockFinding(name, Number(server.nowMs) - (askedMs + answeredMs) / 2, (answeredMs - askedMs) / 2),
    ...(server.isEncrypted || isLocal
      ? []
      : [warning(name, "tls", "the connection is not encrypted", "add sslmode=verify-full to its address")]),
    ...(server.freeConnections < 5
      ? [warning(name, "connections", `only ${server.freeConnections} connections are free`, MORE_CONNECTIONS)]
      : []),
  ];
}

async function examineSchema(handle: ProviderHandle, name: string, place: SchemaOptions): Promise<Finding[]> {
  try {
    const schema = await checkSchema(handle, place);
    const rights = await examineRights(handle, name, schema);
    return [
      ok(name, "schema", "has the tables of this version"),
      ...rights,
      // A role with few rights may not read the rows either.
      ...(rights.length === 0 ? [await examineIds(handle, name, schema, Date.now())] : []),
      ...(await examineOpenSchemas(handle, name, [schema, place.schema ?? DEFAULT_SCHEMA])),
    ];
  } catch (error) {
    if (!MemoryError.isInstance(error)) throw error;
    const { rows } = await handle.query<{ mayCreate: boolean }>(
      "SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') OR COALESCE(pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace($1), 'CREATE'), false) AS \"mayCreate\"",
      [tableNames(place.schema).schema],
    );
    const { version } = await findTables(handle, place.schema);
    if (version > SCHEMA_VERSION) return [problem(name, "schema", error.message, UPGRADE)];
    return [
      rows[0]?.mayCreate === true
        ? problem(name, "schema", error.message, "run rivet-memory migrate")
        : problem(
            name,
            "permission",
            `${error.message}; and this role may not create tables`,
            "run rivet-memory migrate as a role that may, or apply what rivet-memory migrate --print prints",
          ),
    ];
  }
}

const RIGHTS = `
SELECT pg_catalog.bool_and("table" IS NOT NULL) AS "isComplete", pg_catalog.bool_and(pg_catalog.has_table_privilege("table", "right")) AS "mayWrite"
FROM (VALUES (pg_catalog.to_regclass($1), 'INSERT'), (pg_catalog.to_regclass($2), 'INSERT'), (pg_catalog.to_regclass($2), 'UPDATE'),
  (pg_catalog.to_regclass($3), 'INSERT'))
  AS needed ("table", "right")`;

async function examineRights(handle: ProviderHandle, name: string, schema: string): Promise<Finding[]> {
  const { memories, heads, tombstones } = tableNames(schema);
  const { rows } = await handle.query<{ isComplete: boolean; mayWrite: boolean }>(RIGHTS, [
    memories,
    heads,
    tombstones,
  ]);
  if (rows[0]?.isComplete !== true) return [problem(name, "schema", "lacks some of its tables", "restore a backup")];
  if (rows[0].mayWrite) return [];
  const action = "GRANT SELECT, INSERT, UPDATE, DELETE on the tables to it";
  return [problem(name, "permission", "this role may read the tables, and not write into them", action)];
}

const TOPICS: Readonly<Partial<Record<string, string>>> = {
  timeout: "silent",
  permission: "permission",
  schema: "database",
};

const ACTIONS: Readonly<Partial<Record<string, string>>> = {
  unavailable: "check that it runs, its address, and the network between",
  timeout: "it accepts packets and says nothing: check the network, a firewall, or a server that hangs",
  permission: "check user, password and the role's rights",
  schema: "check the name of the database in its address",
  invalid_input: "check its address",
};

function unreachable(name: string, error: unknown): Finding {
  const code = DatabaseError.isInstance(error) ? error.code : "unknown";
  const isFull = /too many (clients|connections)|connection slots|no more connections/i.test(messageOf(error));
  if (isFull) return problem(name, "connections", messageOf(error), MORE_CONNECTIONS);
  const isTls = /certificate|TLS|SSL/i.test(messageOf(error));
  const topic = isTls ? "tls" : (TOPICS[code] ?? "unreachable");
  return problem(
    name,
    topic,
    messageOf(error),
    isTls
      ? "check its certificate, and sslrootcert for an authority of your own"
      : (ACTIONS[code] ?? "see the message"),
  );
}

/** Longer than this, and a provider is not brought what the others have. */
const LAG_MS = 60_000;

async function examineReplication(db: DatabaseManager, place: SchemaOptions): Promise<Finding[]> {
  await using storage = new PostgresMemoryStorage({ ...place, db, migrate: false, local: false });
  try {
    const { pairs, deadLetters } = await storage.getReplicationStatus();
    const findings = pairs.flatMap(({ from, to, hints, oldestHintAgeMs = 0, needsRepair }): Finding[] => {
      const pair = `${from} → ${to}`;
      if (needsRepair)
        return [problem(pair, "repair", "has lost track of what the other lacks", "run rivet-memory repair")];
      if (hints === 0 || oldestHintAgeMs < LAG_MS) return [];
      const lag = `${hints} atoms wait, the oldest for ${Math.round(oldestHintAgeMs / 1_000)} s`;
      return [
        warning(
          pair,
          "lag",
          lag,
          "it catches up when both can be reached and an agent runs; run rivet-memory repair to do it now",
        ),
      ];
    });
    const refused =
      deadLetters.length === 0
        ? []
        : [
            problem(
              "replication",
              "refused",
              `${deadLetters.length} atoms are refused for good`,
              "see them with rivet-memory status --json",
            ),
          ];
    return findings.length + refused.length === 0
      ? [ok("replication", "lag", "nothing waits")]
      : [...findings, ...refused];
  } catch (error) {
    const isMisnamed = MemoryError.isInstance(error) && error.code === "invalid_input";
    return isMisnamed
      ? [problem("configuration", "configuration", messageOf(error), "change the variables of the providers")]
      : [problem("replication", "lag", messageOf(error), "mend the providers first")];
  }
}

/** Messages of ours hold no secret; what else there may be is named by its kind. */
function messageOf(error: unknown): string {
  if (DatabaseError.isInstance(error) || MemoryError.isInstance(error)) return error.message;
  return error instanceof Error ? error.name : "unknown";
}
