/** Measures the cost of replication between several providers. */
import { BULK_ROWS, bulkInsertRate } from "../bulk-insert.ts";
import type { Session } from "@rivet/memory-core";
import type { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { medianTimes, type Measure } from "../measure.ts";
import { BenchProviders } from "../with-providers.ts";
import { addTurn, fill, QUESTION, saveTurn, sessionOf, USER } from "../workload.ts";

/** A save with replication to two more providers, against one without. */
export async function saveReplicated(): Promise<Measure> {
  await using providers = await BenchProviders.start("neon", "supabase", "railway");
  const replicated = await providers.storage();
  const alone = await providers.storage({ replication: "off" });
  const save = async (storage: PostgresMemoryStorage): Promise<() => Promise<unknown>> => {
    const session = await sessionOf(storage, 2);
    return () => saveTurn(session);
  };
  const times = await medianTimes({
    ours: await save(replicated),
    reference: await save(alone),
    rounds: 20,
    perRound: 500,
  });
  await closeAll(replicated, alone);
  return {
    name: "Replication to two more providers: save one turn",
    unit: "ms",
    ...times,
    bar: { kind: "at most", value: 1.15 },
    against: `the same with replication: "off"`,
  };
}

const MISSED_ATOMS = 100_000;
const ATOMS_PER_SESSION = 100;

/** Measures how fast a provider catches up after an outage, and the effect on saves to the other provider. */
export async function catchUp(): Promise<Measure[]> {
  await using providers = await BenchProviders.start("neon", "supabase");
  const storage = await providers.storage();
  const session = await sessionOf(storage, 2);
  await providers.provider("supabase").server.stop("kill");
  await until(storage, "supabase", "down");
  await fill(storage, MISSED_ATOMS / ATOMS_PER_SESSION, ATOMS_PER_SESSION);
  const undisturbed = await saveTimes(session, (count) => count < 3_000);
  await providers.provider("supabase").server.start();
  await until(storage, "supabase", "catching-up");
  const startMs = performance.now();
  let tookMs = 0;
  const back = until(storage, "supabase", "up").then(() => (tookMs = performance.now() - startMs));
  const meanwhile = await saveTimes(session, () => tookMs === 0);
  await back;
  await storage.close();
  await storage.db.close();

  const quiet = await drainInQuiet();
  const p99 = [percentile(meanwhile, 0.99), percentile(undisturbed, 0.99)] as const;
  return [
    {
      name: `A save while another provider catches up on ${MISSED_ATOMS} atoms (${Math.round(tookMs)} ms): p99`,
      unit: "ms",
      ours: p99[0],
      reference: p99[1],
      ratio: p99[0] / p99[1],
      bar: { kind: "at most", value: 2 },
      against: "the p99 of saves while that provider is away",
    },
    quiet,
  ];
}

/** The same, while nobody saves: against bare INSERTs of 1,000 rows each into the same table. */
async function drainInQuiet(): Promise<Measure> {
  await using providers = await BenchProviders.start("neon", "supabase");
  const storage = await providers.storage();
  await storage.repair();
  await providers.provider("supabase").server.stop("kill");
  await until(storage, "supabase", "down");
  await fill(storage, MISSED_ATOMS / ATOMS_PER_SESSION, ATOMS_PER_SESSION);
  await providers.provider("supabase").server.start();
  await until(storage, "supabase", "catching-up");
  const startMs = performance.now();
  await until(storage, "supabase", "up");
  const ours = (MISSED_ATOMS * 1_000) / (performance.now() - startMs);
  await storage.close();
  await storage.db.close();
  const reference = await bulkInsertRate(providers.provider("supabase").url, MISSED_ATOMS / BULK_ROWS);
  return {
    name: "Drain to one target",
    unit: "rows/s",
    ours,
    reference,
    ratio: ours / reference,
    bar: { kind: "at least", value: 0.5 },
    against: "bare INSERTs with pg of 1,000 rows each into the same table",
  };
}

const SESSIONS = 10_000;
const DIFFERENT = 100;

/** Measures the rows that a repair reads of two stores with a million atoms that differ in 100. */
export async function repairLargeStores(): Promise<Measure> {
  await using providers = await BenchProviders.start("neon", "supabase");
  const storage = await providers.storage();
  for (const { name } of providers.all) await fillWithSql(providers, name);
  await providers.query("supabase", takeAway());
  const before = await rowsRead(providers);
  const startMs = performance.now();
  const { copied } = await storage.repair();
  const tookMs = performance.now() - startMs;
  if (copied !== DIFFERENT) throw new Error(`the repair copied ${copied} atoms, and ${DIFFERENT} were missing`);
  await storage.close();
  await storage.db.close();
  await untilAlone(providers);
  const ours = (await rowsRead(providers)) - before;
  const reference = SESSIONS * ATOMS_PER_SESSION;
  return {
    name: `Repair of two stores with ${reference} atoms that differ in ${DIFFERENT} (${Math.round(tookMs)} ms): atoms read`,
    unit: "rows",
    ours,
    reference,
    ratio: ours / reference,
    bar: { kind: "at most", value: 0.01 },
    against: "the atoms of one store; rows of session_memories that either server has read, by pg_stat_user_tables",
  };
}

const bits = "bit_xor(('x' || replace(id::text, '-', ''))::bit(128))";

async function fillWithSql(providers: BenchProviders, name: string): Promise<void> {
  await providers.query(
    name,
    `INSERT INTO session_memories (session_id, id, user_id, memory_type, content, metadata, created_at)
    SELECT 'session_' || session, ('01900000-0000-7000-8000-' || lpad(to_hex(session * 1000 + atom), 12, '0'))::uuid,
      '${USER}', 'message_user', '"${QUESTION}"', '{}', '2026-01-01'
    FROM generate_series(1, ${SESSIONS}) AS session, generate_series(1, ${ATOMS_PER_SESSION}) AS atom`,
  );
  await providers.query(
    name,
    `INSERT INTO session_heads
    SELECT session_id, '${USER}', '2026-01-01', max(id::text)::uuid, count(*), count(*), 0, ${bits}, ${bits}, '{}', '{}',
      left(max(id::text), 8)
    FROM session_memories GROUP BY session_id`,
  );
  await providers.query(name, "ANALYZE");
}

/** One atom in the middle of each of so many sessions is gone, as if it had never come. */
function takeAway(): string {
  return `WITH lost AS (
    DELETE FROM session_memories WHERE (session_id, id) IN (
      SELECT 'session_' || session, ('01900000-0000-7000-8000-' || lpad(to_hex(session * 1000 + 50), 12, '0'))::uuid
      FROM generate_series(1, ${SESSIONS}, ${SESSIONS / DIFFERENT}) AS session
    ) RETURNING session_id, id
  )
  UPDATE session_heads AS head SET atom_count = atom_count - 1, message_count = message_count - 1,
    id_xor = id_xor # ('x' || replace(lost.id::text, '-', ''))::bit(128),
    history_xor = history_xor # ('x' || replace(lost.id::text, '-', ''))::bit(128)
  FROM lost WHERE lost.session_id = head.session_id`;
}

/** Until all connections are closed: they count what they have read when they end. */
async function untilAlone(providers: BenchProviders): Promise<void> {
  for (const { name } of providers.all) {
    const others = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    while ((await providers.query(name, `${others} AND backend_type = 'client backend'`)).length > 0);
  }
}

async function rowsRead(providers: BenchProviders): Promise<number> {
  let sum = 0;
  for (const { name } of providers.all) {
    const [row] = await providers.query(
      name,
      `SELECT seq_tup_read + COALESCE(idx_tup_fetch, 0) AS rows
      FROM pg_stat_user_tables WHERE relname = 'session_memories'`,
    );
    sum += Number(row?.["rows"]);
  }
  return sum;
}

async function saveTimes(session: Session, goOn: (count: number) => boolean): Promise<number[]> {
  const times: number[] = [];
  while (goOn(times.length)) {
    addTurn(session);
    const startMs = performance.now();
    await session.save();
    times.push(performance.now() - startMs);
  }
  return times;
}

function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

async function until({ db }: PostgresMemoryStorage, provider: string, state: string): Promise<void> {
  if (db.getProviderStats()[provider]?.state === state) return;
  await new Promise<void>((resolve) => {
    const listen = (change: { readonly provider: string; readonly to: string }): void => {
      if (change.provider !== provider || change.to !== state) return;
      db.off("stateChange", listen);
      resolve();
    };
    db.on("stateChange", listen);
  });
}

async function closeAll(...storages: readonly PostgresMemoryStorage[]): Promise<void> {
  for (const storage of storages) {
    await storage.close();
    await storage.db.close();
  }
}
