/** Large statements and answers over a link of limited speed, with all deadlines at their defaults. */
import { startProxy, type ProxyModeOptions, type TcpProxy } from "@rivet/local-servers";
import { DatabaseManager, type DatabaseManagerOptions, type ProviderConfig } from "@rivet/db-manager";
import { describe, expect, it, onTestFinished } from "vitest";
import { failureOf, manage, useServer } from "./servers.ts";

const MIB = 1024 * 1024;
const server = useServer();

interface Link {
  readonly db: DatabaseManager;
  readonly proxy: TcpProxy;
  /** Every state that the provider has taken on. */
  readonly states: string[];
}

/** A provider behind a link of limited speed. Its first connection is there already. */
async function slowLink(
  mode: ProxyModeOptions,
  provider: Partial<ProviderConfig> = {},
  options: Partial<DatabaseManagerOptions> = {},
): Promise<Link> {
  const proxy = await startProxy(server());
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const db = manage(proxy.url(server().url()), provider, options);
  const states: string[] = [];
  db.on("stateChange", ({ to }) => states.push(to));
  await db.query("SELECT 1");
  proxy.setMode("slow", mode);
  return { db, proxy, states };
}

const LENGTH = "SELECT length($1) AS length";

describe.each(["fair", "bloated"] as const)("a provider behind a slow link whose queue is %s", (queue) => {
  it("takes and gives what is longer on its way than every deadline, and small statements beside it", async () => {
    const { db, states } = await slowLink({ bytesPerSecond: 2 * MIB, queue });
    const sending = db.query(LENGTH, ["x".repeat(3 * MIB)]);
    const reading = db.query("SELECT repeat('x', $1) AS text", [3 * MIB]);
    const small = Array.from({ length: 5 }, () => db.query("SELECT 1 AS one"));
    expect((await sending).rows).toEqual([{ length: 3 * MIB }]);
    expect((await reading).rows[0]?.["text"]).toHaveLength(3 * MIB);
    for (const { rows } of await Promise.all(small)) expect(rows).toEqual([{ one: 1 }]);
    expect(states).toEqual(["up"]);
  });
});

describe("a deadline", () => {
  it("is put off for as long as bytes move, on a link that is slower than any that is expected", async () => {
    const { db, states } = await slowLink({ bytesPerSecond: 2 * MIB }, { slowestBytesPerSecond: 1024 * MIB });
    expect((await db.query("SELECT repeat('x', $1) AS text", [3 * MIB])).rows[0]?.["text"]).toHaveLength(3 * MIB);
    expect(states).toEqual(["up"]);
  });

  it("of a whole piece of work does not count what the bytes of its statements need", async () => {
    const { db } = await slowLink({ bytesPerSecond: 2 * MIB }, { statementTimeoutMs: 500 });
    const text = "x".repeat(2 * MIB);
    const lengths = await db.run(
      async (provider) => {
        const first = await provider.query(LENGTH, [text]);
        return [...first.rows, ...(await provider.transaction(async (client) => client.query(LENGTH, [text]))).rows];
      },
      { deadlineMs: 1_500 },
    );
    expect(lengths).toEqual([{ length: 2 * MIB }, { length: 2 * MIB }]);
  });

  it("of work that waits for the only connection does not count what a large statement needs on it", async () => {
    const { db } = await slowLink({ bytesPerSecond: 2 * MIB }, { statementTimeoutMs: 500, poolSize: 1 });
    const sending = db.query(LENGTH, ["x".repeat(2 * MIB)]);
    const waiting = db.run((provider) => provider.query("SELECT 1 AS one"), { deadlineMs: 600 });
    expect((await waiting).rows).toEqual([{ one: 1 }]);
    await sending;
  });

  it("passes for a small statement without an answer as ever", async () => {
    const { db, proxy } = await slowLink({ bytesPerSecond: 2 * MIB }, { statementTimeoutMs: 500 });
    proxy.setMode("black-hole");
    expect(await failureOf(db.query("SELECT 1"))).toMatchObject({ code: "timeout" });
  });

  it("passes for a large statement from which nothing moves any more", async () => {
    const { db, proxy } = await slowLink(
      { bytesPerSecond: 2 * MIB },
      { statementTimeoutMs: 500, slowestBytesPerSecond: 4 * MIB },
    );
    proxy.setMode("black-hole");
    expect(await failureOf(db.query(LENGTH, ["x".repeat(2 * MIB)]))).toMatchObject({ code: "timeout" });
  });
});

it("a manager that is closed waits for a large statement as long as its bytes need", async () => {
  const { db } = await slowLink({ bytesPerSecond: 2 * MIB }, {}, { operationTimeoutMs: 300 });
  const sending = db.query(LENGTH, ["x".repeat(2 * MIB)]);
  await db.close();
  expect((await sending).rows).toEqual([{ length: 2 * MIB }]);
});

it("a large statement that takes its time on the way is not sent to a second provider too", async () => {
  const proxy = await startProxy(server());
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const [near, far] = [server().url(), proxy.url(server().url())];
  const providers = [
    { name: "far", connectionString: far, connectTimeoutMs: 20_000 },
    { name: "near", connectionString: near },
  ];
  const db = new DatabaseManager({ providers, hedgeAfterMs: 50 });
  onTestFinished(() => db.close());
  await db.query("SELECT 1");
  proxy.setMode("slow", { bytesPerSecond: 2 * MIB });
  const options = { idempotent: true, hedge: true };
  const { provider } = await db.query(LENGTH, ["x".repeat(2 * MIB)], options);
  expect([provider, db.getProviderStats()["far"]?.hedges]).toEqual(["far", 0]);
});
