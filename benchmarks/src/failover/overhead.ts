import { DatabaseManager, type ProviderConfig, type QueryOptions } from "@rivet/db-manager";
import { startPostgres, type PostgresServer } from "@rivet/local-servers";
import { AtomClock } from "@rivet/memory-core";
import pg from "pg";
import { medianTimes } from "../measure.ts";
import { ANSWER, QUESTION, USER } from "../workload.ts";
import { NAMES } from "../cluster.ts";
import type { Cost } from "./report.ts";

interface Load {
  readonly name: string;
  readonly statement: { readonly name: string; readonly text: string };
  readonly values: () => unknown[];
  readonly options: QueryOptions;
  /** The largest allowed ratio; `Infinity` if it is shown only for comparison. */
  readonly bar: number;
}

const MESSAGES = `CREATE TABLE messages (
  session_id text NOT NULL, id uuid NOT NULL, user_id text NOT NULL, memory_type text NOT NULL,
  content jsonb NOT NULL, metadata jsonb NOT NULL, created_at timestamptz NOT NULL, PRIMARY KEY (session_id, id)
)`;
const INSERT = {
  name: "save-turn",
  text: "INSERT INTO messages VALUES ($1, $2, $3, $4, $5, $6, $7), ($8, $9, $10, $11, $12, $13, $14)",
};
/** The cheapest statement shows the overhead of the manager best: about 4 µs, on top of 30 µs with pg alone. */
const SELECT = { name: "select-one", text: "SELECT $1::int AS one" };
const HEDGED = { idempotent: true, hedge: true };
const clock = new AtomClock();

export const LOADS: readonly Load[] = [
  { name: "a two-row INSERT, hedged as a save is", statement: INSERT, values: turn, options: HEDGED, bar: 1.05 },
  { name: "a SELECT of one number", statement: SELECT, values: () => [1], options: {}, bar: Infinity },
  { name: "a SELECT of one number, hedged", statement: SELECT, values: () => [1], options: HEDGED, bar: Infinity },
];

const ROUNDS = 2_000;
const PARTS = 7;
/**
 * On few cores one side is at times twice as fast as the other, pg beside pg too, for as long as the system runs a
 * server's process beside this one. A part with such a factor, in either direction, says nothing of the manager.
 */
const PLACEMENT_FACTOR = 1.5;

/** A statement through the manager of three providers, against the same one with a pool of pg. */
export async function overhead(load: Load): Promise<Cost> {
  await using server = await startPostgres({ settings: { shared_preload_libraries: "pg_stat_statements" } });
  const url = await server.createDatabase();
  const providers = await Promise.all(
    NAMES.map(async (name) => ({ name, connectionString: await server.createDatabase() })),
  );
  const names = providers.map(({ connectionString }) => databaseOf(connectionString));
  for (const name of [databaseOf(url), ...names]) await server.query(MESSAGES, [], name);
  await server.query("CREATE EXTENSION pg_stat_statements");
  await server.query("SELECT pg_stat_statements_reset()");
  const parts: Part[] = [];
  while (parts.length < PARTS) parts.push(await measurePart(load, url, providers));
  const asked = parts.reduce((sum, part) => sum + part.asked, 0);
  const calls = await statementCalls(server, names);
  const problems = calls === asked ? [] : [`${calls} statements were run for ${asked} that were asked for`];
  return costOf(parts, problems);
}

/**
 * The median of the parts that compare like with like. Without enough of them, nothing was measured, and no bar kept.
 */
function costOf(parts: readonly Part[], problems: readonly string[]): Cost {
  const sorted = parts.toSorted((left, right) => left.ratio - right.ratio);
  const alike = sorted.filter(({ ratio }) => ratio < PLACEMENT_FACTOR && ratio > 1 / PLACEMENT_FACTOR);
  const isMeasured = 2 * alike.length > parts.length;
  const counting = isMeasured ? alike : sorted;
  const median = counting[Math.floor(counting.length / 2)];
  if (median === undefined) throw new RangeError("there is no part");
  const unalike = `not measurable: only ${alike.length} of ${parts.length} parts had both servers run alike`;
  return { ...median, problems: isMeasured ? problems : [...problems, unalike] };
}

interface Part extends Omit<Cost, "problems"> {
  /** Statements that the manager was given. */
  readonly asked: number;
}

async function measurePart(
  { statement, values, options }: Load,
  url: string,
  providers: readonly ProviderConfig[],
): Promise<Part> {
  await using db = new DatabaseManager({ providers });
  const pool = new pg.Pool({ connectionString: url });
  let asked = 0;
  const times = await medianTimes({
    ours: () => {
      asked += 1;
      return db.query(statement, values(), options);
    },
    reference: () => pool.query({ ...statement, values: values() }),
    rounds: ROUNDS,
  });
  await pool.end();
  return { ...times, asked };
}

/** Returns the number of statements that the server has run in these databases, from its own counters. */
async function statementCalls(server: PostgresServer, databases: readonly string[]): Promise<number> {
  const [row] = await server.query(
    `SELECT COALESCE(sum(calls), 0)::int AS calls FROM pg_stat_statements
     JOIN pg_database ON pg_database.oid = dbid WHERE datname = ANY($1)`,
    [databases],
  );
  return Number(row?.["calls"]);
}

function turn(): unknown[] {
  return [QUESTION, ANSWER].flatMap((text) => [
    "session",
    clock.next(),
    USER,
    "message",
    JSON.stringify(text),
    "{}",
    new Date(),
  ]);
}

function databaseOf(url: string): string {
  return new URL(url).pathname.slice(1);
}
