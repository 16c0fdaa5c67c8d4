import { startProxy, until, type TcpProxy } from "@rivet/local-servers";
import { DatabaseManager, type DatabaseManagerOptions } from "@rivet/db-manager";
import { describe, expect, it, onTestFinished } from "vitest";
import { failureOf, useServer } from "./servers.ts";

const server = useServer();
const NAMES = ["neon", "supabase", "railway"] as const;

interface Setup {
  readonly db: DatabaseManager;
  readonly proxies: readonly TcpProxy[];
  /** The events of the test, in words. */
  readonly story: string[];
  /** Runs a statement in the database of a provider, around the manager. */
  readonly at: (index: number, sql: string) => Promise<Record<string, unknown>[]>;
}

/** Three providers, each a database behind a proxy of its own, with a table `t` of ids. */
async function threeProviders(options: Partial<DatabaseManagerOptions> = {}): Promise<Setup> {
  const databases = await Promise.all(
    NAMES.map(async () => {
      const url = await server().createDatabase();
      const direct = new DatabaseManager({ providers: [{ name: "direct", connectionString: url }] });
      onTestFinished(() => direct.close());
      await direct.query("CREATE TABLE t (id int PRIMARY KEY)");
      const proxy = await startProxy(server());
      onTestFinished(() => proxy[Symbol.asyncDispose]());
      return { proxy, direct, connectionString: proxy.url(url) };
    }),
  );
  const providers = databases.map(({ connectionString }, index) => ({ name: NAMES[index] ?? "", connectionString }));
  const db = new DatabaseManager({ providers, dwellMs: 1_200, ...options });
  onTestFinished(() => db.close());
  const story: string[] = [];
  db.on("stateChange", ({ provider, from, to }) => story.push(`${provider}: ${from} ${to}`));
  db.on("failover", ({ from, to }) => story.push(`failover ${from} ${to}`));
  db.on("failback", ({ from, to }) => story.push(`failback ${from} ${to}`));
  const at: Setup["at"] = async (index, sql) => (await databases[index]?.direct.query(sql))?.rows ?? [];
  return { db, proxies: databases.map(({ proxy }) => proxy), story, at };
}

const INSERT = "INSERT INTO t VALUES ($1) ON CONFLICT DO NOTHING";
const once = { idempotent: true };
const safe = { ...once, hedge: true };

function cut(proxy: TcpProxy | undefined, mode: "refuse" | "black-hole" | "swallow-replies" | "pass"): void {
  proxy?.setMode(mode);
}

describe("a provider that dies", () => {
  it("is followed by the next, and takes the work again when it has stayed well", async () => {
    const { db, proxies, story } = await threeProviders();
    expect((await db.query(INSERT, [1])).provider).toBe("neon");
    cut(proxies[0], "refuse");
    expect((await db.query(INSERT, [2], safe)).provider).toBe("supabase");
    expect(db.provider).toBe("supabase");
    cut(proxies[0], "pass");
    await until(() => expect(story.at(-1)).toBe("failback supabase neon"));
    expect((await db.query(INSERT, [3])).provider).toBe("neon");
    const neon = story.filter((line) => line.startsWith("neon"));
    expect(neon.slice(-3)).toEqual(["neon: down probing", "neon: probing catching-up", "neon: catching-up up"]);
    expect(story.filter((line) => line.startsWith("fail"))).toEqual([
      "failover neon supabase",
      "failback supabase neon",
    ]);
  });

  it("loses nothing that may be repeated, and says what may have been applied elsewhere", async () => {
    const { db, proxies, at } = await threeProviders();
    await db.query("SELECT 1");
    const sleeping = "SELECT pg_sleep(5)";
    const options = { timeoutMs: 8_000 };
    const busy = [
      failureOf(db.query(`WITH w AS (${sleeping}) INSERT INTO t SELECT 1 FROM w`, [], options)),
      db.query(
        `${INSERT} RETURNING (SELECT 1 FROM pg_sleep(CASE current_database() WHEN $2 THEN 5 ELSE 0 END))`,
        [2, (await at(0, "SELECT current_database() AS name"))[0]?.["name"]],
        { ...options, idempotent: true },
      ),
    ] as const;
    const active = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    await until(async () => expect(await at(0, active)).toHaveLength(2));
    cut(proxies[0], "refuse");
    expect(await busy[0]).toMatchObject({ code: "unavailable", outcome: "unknown", provider: "neon" });
    expect((await busy[1]).provider).toBe("supabase");
    expect(await at(1, "SELECT id FROM t")).toEqual([{ id: 2 }]);
  });

  it("takes a transaction with it once a statement was sent, and not before", async () => {
    const { db, proxies } = await threeProviders();
    await db.query("SELECT 1");
    const begun = db.transaction(async (client) => {
      await client.query(INSERT, [1]);
      cut(proxies[0], "refuse");
      await client.query(INSERT, [2]);
    });
    expect(await failureOf(begun)).toMatchObject({ code: "unavailable", outcome: "not_applied", provider: "neon" });
    const providers: string[] = [];
    await db.transaction(async (client) => providers.push((await client.query(INSERT, [3])).provider));
    cut(proxies[1], "refuse");
    await db.transaction(async (client) => providers.push((await client.query(INSERT, [4])).provider));
    expect(providers).toEqual(["supabase", "railway"]);
  });

  it("repeats the work of run() elsewhere only if that is idempotent", async () => {
    const { db, proxies } = await threeProviders();
    await db.query("SELECT 1");
    cut(proxies[0], "refuse");
    const seen: string[] = [];
    const work = async ({ name, query }: { name: string; query: DatabaseManager["query"] }): Promise<void> => {
      seen.push(name);
      await query("SELECT 1");
    };
    db.setProvider("neon");
    await failureOf(db.run(work, { providers: ["neon"] }));
    await db.run(work, { idempotent: true });
    expect(seen).toEqual(["neon", "supabase"]);
  });

  it("is left out without failover", async () => {
    const { db, proxies, story } = await threeProviders({ failover: false });
    await db.query("SELECT 1");
    cut(proxies[0], "refuse");
    expect(await failureOf(db.query("SELECT 1"))).toMatchObject({ provider: "neon", code: "unavailable" });
    cut(proxies[0], "pass");
    expect((await db.query("SELECT 1")).provider).toBe("neon");
    expect(story.some((line) => line.startsWith("fail"))).toBe(false);
  });
});

describe("a provider that is silent", () => {
  it("costs a hedge and not a time-out, once", async () => {
    const { db, proxies, at } = await threeProviders({ operationTimeoutMs: 4_000 });
    // Without a hedge: on a busy machine a first statement may take longer than a hedge waits.
    await db.query(INSERT, [1], once);
    cut(proxies[0], "black-hole");
    const [two, three] = [await db.query(INSERT, [2], safe), await db.query(INSERT, [3], once)];
    expect([two.provider, three.provider]).toEqual(["supabase", "supabase"]);
    expect(await at(1, "SELECT id FROM t ORDER BY id")).toEqual([{ id: 2 }, { id: 3 }]);
    const { neon } = db.getProviderStats();
    expect(neon).toMatchObject({ hedges: 1 });
    await until(() => expect(db.getProviderStats()["neon"]?.state).toBe("down"));
  });

  it("may have applied what another one answered: both have it, once", async () => {
    const { db, proxies, at } = await threeProviders();
    await db.query(INSERT, [1], once);
    cut(proxies[0], "swallow-replies");
    expect((await db.query(INSERT, [2], safe)).provider).toBe("supabase");
    await until(async () => expect(await at(0, "SELECT id FROM t ORDER BY id")).toEqual([{ id: 1 }, { id: 2 }]));
    expect(await at(1, "SELECT id FROM t")).toEqual([{ id: 2 }]);
  });

  it("is suspected no longer once its probe is answered", async () => {
    const { db, story } = await threeProviders({ hedgeAfterMs: 50 });
    await db.query("SELECT 1");
    const slow = "SELECT pg_sleep(CASE current_database() WHEN $1 THEN 0.6 ELSE 0 END)";
    const { rows } = await db.query<{ name: string }>("SELECT current_database() AS name");
    expect((await db.query(slow, [rows[0]?.name], safe)).provider).toBe("supabase");
    await until(() => expect(story.at(-1)).toBe("failback supabase neon"));
    expect(story.filter((line) => line.startsWith("neon"))).toEqual([
      "neon: unknown up",
      "neon: up suspect",
      "neon: suspect up",
    ]);
  });

  it("gets no company for work that must not be done twice", async () => {
    const { db, proxies } = await threeProviders();
    await db.query("SELECT 1");
    cut(proxies[0], "black-hole");
    const error = await failureOf(db.query(INSERT, [1], { hedge: true }));
    expect(error).toMatchObject({ code: "timeout", outcome: "unknown", provider: "neon" });
  });
});

describe("an error of the caller's", () => {
  it("is thrown as often as it is made, and changes no state", async () => {
    const { db, story, at } = await threeProviders();
    await db.query("INSERT INTO t VALUES (1)");
    const before = [...story];
    for (let count = 0; count < 1_000; count += 1) {
      const error = await failureOf(db.query("INSERT INTO t VALUES (2), (1)", [], { idempotent: true }));
      expect(error).toMatchObject({ code: "query", sqlState: "23505", provider: "neon", outcome: "not_applied" });
    }
    expect(story).toEqual(before);
    expect(await at(1, "SELECT * FROM t")).toEqual([]);
  });

  it("that two providers give alike is taken back from both", async () => {
    const { db, story } = await threeProviders();
    await db.query("SELECT 1");
    const slow = "SET LOCAL statement_timeout = 50; SELECT pg_sleep(1)";
    const error = await failureOf(db.query(slow, undefined, { idempotent: true }));
    expect(error).toMatchObject({ code: "timeout", sqlState: "57014", provider: "supabase" });
    const { neon, supabase, railway } = db.getProviderStats();
    expect([neon?.state, railway?.state]).toEqual(["up", "unknown"]);
    expect(["up", "unknown"]).toContain(supabase?.state);
    expect(story.filter((line) => line.startsWith("railway"))).toEqual([]);
  });
});

describe("a provider that cannot write", () => {
  it("still serves reads, and is back when it writes again", async () => {
    const { db, story, at } = await threeProviders();
    await db.query("SELECT 1");
    const [row] = await at(0, "SELECT current_database() AS name");
    await at(0, `ALTER DATABASE "${String(row?.["name"])}" SET default_transaction_read_only = on`);
    const pids = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    await at(0, `SELECT pg_terminate_backend(pid) ${pids}`);
    await until(() => expect(db.getProviderStats()["neon"]?.state).toBe("read-only"));
    expect((await db.query(INSERT, [1])).provider).toBe("supabase");
    expect((await db.query("SELECT 1", [], { readOnly: true })).provider).toBe("supabase");
    const reading = { readOnly: true, lastResort: false, providers: ["neon"] };
    expect((await db.query("SELECT 1", [], reading)).provider).toBe("neon");
    expect(await failureOf(db.query(INSERT, [2], { ...reading, readOnly: false }))).toMatchObject({
      code: "unavailable",
    });
    await at(0, `SET default_transaction_read_only = off; ALTER DATABASE "${String(row?.["name"])}" RESET ALL`);
    await at(0, `SELECT pg_terminate_backend(pid) ${pids}`);
    await until(() => expect(story.at(-1)).toBe("failback supabase neon"));
  });
});

function cutAll(proxies: readonly TcpProxy[]): void {
  for (const proxy of proxies) proxy.setMode("refuse");
}

describe("when all are gone", () => {
  it("every one is tried, and the error names them all", async () => {
    const { db, proxies } = await threeProviders();
    cutAll(proxies);
    const error = await failureOf(db.query(INSERT, [1], safe));
    expect(error).toMatchObject({ code: "unavailable", outcome: "not_applied", retryable: true });
    for (const name of NAMES) expect(error.message).toContain(`${name} (127.0.0.1:`);
    expect(error.cause).toBeInstanceOf(AggregateError);
    expect(db.isUsable()).toBe(false);
  });

  it("what may not be a last resort fails at once, and says why", async () => {
    const { db, proxies } = await threeProviders();
    cutAll(proxies);
    await failureOf(db.query("SELECT 1"));
    const error = await failureOf(db.query("SELECT 1", [], { lastResort: false }));
    expect(error.message).toBe("no provider takes work: neon is down; supabase is down; railway is down");
  });

  it("the first that is back takes the work without waiting", async () => {
    const { db, proxies } = await threeProviders({ dwellMs: 60_000 });
    cutAll(proxies);
    await failureOf(db.query("SELECT 1"));
    cut(proxies[2], "pass");
    await until(() => expect(db.getProviderStats()["railway"]?.state).toBe("up"));
    expect((await db.query(INSERT, [1])).provider).toBe("railway");
  });
});

describe("what has to be done before a provider takes work again", () => {
  it("is done each time it comes back, and keeps it away while it fails", async () => {
    const { db, proxies, story } = await threeProviders();
    const steps: string[] = [];
    let isRight = false;
    const remove = db.addReturnGuard({
      admit: async ({ name, query }) => {
        await query("SELECT 1");
        steps.push(`admit ${name}`);
      },
      catchUp: async ({ name }) => {
        steps.push(`catch up ${name}`);
        if (!isRight) throw new Error("not yet");
      },
    });
    const errors: string[] = [];
    db.on("error", ({ message }) => errors.push(message));
    await db.query("SELECT 1");
    cut(proxies[0], "refuse");
    await db.query(INSERT, [1], safe);
    cut(proxies[0], "pass");
    await until(() => expect(steps).toContain("catch up neon"));
    await until(() => expect(errors.some((message) => message.endsWith(": not yet"))).toBe(true));
    expect(db.provider).toBe("supabase");
    isRight = true;
    await until(() => expect(story.at(-1)).toBe("failback supabase neon"));
    expect(steps[0]).toBe("admit neon");
    remove();
  });

  it("makes a provider ineligible that is not what it should be, with one clear event", async () => {
    const { db, proxies, story } = await threeProviders();
    db.addReturnGuard({ admit: () => Promise.reject(new Error("its schema is newer")) });
    await db.query("SELECT 1");
    cut(proxies[0], "refuse");
    await db.query(INSERT, [1], safe);
    cut(proxies[0], "pass");
    await until(() => expect(db.getProviderStats()["neon"]?.state).toBe("ineligible"));
    expect(story.filter((line) => line.endsWith("ineligible"))).toEqual(["neon: down ineligible"]);
    expect(db.getProviderStats()["neon"]?.lastError?.message).toContain(": its schema is newer");
  });

  it("does not take a moment's trouble while it is looked at for what it is", async () => {
    const { db, proxies, story } = await threeProviders({ dwellMs: 200, longestProbeDelayMs: 500 });
    let looks = 0;
    db.addReturnGuard({
      admit: async ({ query }) => {
        const isTroubled = ++looks === 2;
        await query(isTroubled ? "DO $$ BEGIN RAISE 'busy' USING ERRCODE = '55P03'; END $$" : "SELECT 1").catch(
          (cause: unknown) => {
            throw new Error("its tables could not be looked at", { cause });
          },
        );
      },
    });
    await db.query("SELECT 1");
    cut(proxies[0], "refuse");
    await db.query(INSERT, [1], safe);
    cut(proxies[0], "pass");
    await until(() => expect(story.at(-1)).toBe("failback supabase neon"));
    expect(looks).toBeGreaterThan(2);
    expect(story.filter((line) => line.endsWith("ineligible"))).toEqual([]);
  });

  it("leaves one out that could not be looked at, until it has been", async () => {
    const { db, story } = await threeProviders({ dwellMs: 200, longestProbeDelayMs: 500 });
    db.addReturnGuard({});
    await db.query("SELECT 1");
    const busy = await failureOf(db.query("DO $$ BEGIN RAISE 'busy' USING ERRCODE = '55P03'; END $$"));
    db.exclude("neon", new Error("its tables could not be looked at", { cause: busy }));
    expect(db.getProviderStats()["neon"]?.state).toBe("down");
    expect((await db.query(INSERT, [1])).provider).toBe("supabase");
    await until(() => expect(story.at(-1)).toBe("failback supabase neon"));
  });
});
