/** Where a family is compared: servers and folders that are there as long as it takes. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startPostgres, startProxy, startSupabase } from "@rivet/local-servers";
import { supabaseMigration } from "@rivet/memory-supabase";
import { CONTENDERS, PEERS_FOLDER, type Contender } from "./contenders.ts";
import { CountingProxy } from "./counting-proxy.ts";
import type { FamilyName } from "./family-name.ts";
import type { Place } from "./store.ts";
import { TABLES } from "./stores/bare-supabase.ts";

export interface Ground extends AsyncDisposable {
  /** A new place of its own for a contender. */
  newPlace(contender: Contender): Promise<Place>;
  /** The bytes on disk of a place whose store is closed, including indexes. */
  readonly bytesAt?: (place: Place) => Promise<number>;
  /** Statements that a server has run for a place so far. */
  readonly statementsAt?: (place: Place) => Promise<number>;
  /** The same place behind a proxy that counts round trips. */
  readonly counted?: (place: Place) => Promise<{ readonly place: Place; readonly proxy: CountingProxy }>;
}

export const GROUNDS: Readonly<Record<FamilyName, () => Promise<Ground>>> = {
  postgres: postgresGround,
  sqlite: sqliteGround,
  supabase: supabaseGround,
  "supabase-far": farSupabaseGround,
  memory: async () => ({ newPlace: async () => ({ url: "memory:" }), [Symbol.asyncDispose]: async () => {} }),
};

async function postgresGround(): Promise<Ground> {
  const server = await startPostgres({
    settings: { max_wal_size: "4GB", shared_preload_libraries: "pg_stat_statements", max_connections: "300" },
  });
  await server.query("CREATE EXTENSION pg_stat_statements");
  return {
    newPlace: async () => ({ url: await server.createDatabase() }),
    bytesAt: async ({ url }) => {
      const rows = await server.query(
        `SELECT sum(pg_total_relation_size(pg_class.oid)) AS bytes
         FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
         WHERE relkind = 'r' AND nspname !~ '^(pg_|information_schema$)'`,
        [],
        databaseOf(url),
      );
      return Number(rows[0]?.["bytes"] ?? 0);
    },
    statementsAt: async ({ url }) => {
      const rows = await server.query(
        `SELECT sum(calls) AS calls FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid WHERE datname = $1`,
        [databaseOf(url)],
      );
      return Number(rows[0]?.["calls"] ?? 0);
    },
    counted,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function sqliteGround(): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), "rivet-bench-"));
  let places = 0;
  return {
    newPlace: async () => {
      const place = join(folder, String(++places));
      await mkdir(place);
      return { url: `sqlite:${join(place, "memory.db")}` };
    },
    bytesAt: async ({ url }) => {
      const place = join(url.slice("sqlite:".length), "..");
      const files = await Promise.all((await readdir(place)).map((name) => stat(join(place, name))));
      return files.reduce((sum, { size }) => sum + size, 0);
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

async function supabaseGround(): Promise<Ground> {
  const project = await startSupabase();
  const place = { url: project.url, key: project.keys.secret };
  await project.apply(`${supabaseMigration()}${TABLES}${await voltAgentTables(place)}`);
  // The API reads the schema anew.
  await project.postgrest.restart();
  return { newPlace: async () => place, counted, [Symbol.asyncDispose]: () => project[Symbol.asyncDispose]() };
}

/** The one-way delay. A project in the same region is a millisecond away, others ten or a hundred. */
const DISTANCE_MS = 1;

async function farSupabaseGround(): Promise<Ground> {
  const near = await supabaseGround();
  const [contender] = CONTENDERS.supabase;
  if (contender === undefined) throw new Error("there is nobody to compare");
  const place = await near.newPlace(contender);
  const proxy = await startProxy({ port: Number(new URL(place.url).port) });
  proxy.setMode("delay", { delayMs: DISTANCE_MS });
  return {
    newPlace: async () => ({ ...place, url: proxy.url(place.url) }),
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      await near[Symbol.asyncDispose]();
    },
  };
}

/** The SQL that VoltAgent's adapter prints where it finds no tables. */
async function voltAgentTables({ url, key = "" }: Place): Promise<string> {
  const script = join(PEERS_FOLDER, "src", "voltagent-supabase-tables.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, script, url, key]);
  return stdout;
}

async function counted(place: Place): Promise<{ place: Place; proxy: CountingProxy }> {
  const url = new URL(place.url);
  const proxy = await CountingProxy.start(Number(url.port));
  url.port = String(proxy.port);
  return { place: { ...place, url: url.href.replace(/\/$/, "") }, proxy };
}

function databaseOf(url: string): string {
  return new URL(url).pathname.slice(1);
}
