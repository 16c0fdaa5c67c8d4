/** Large atoms over a link of limited speed, beside small ones, with all time-outs at their defaults. */
import { sharedServer, startProxy, until, type TcpProxy } from "@rivet/local-servers";
import { DatabaseManager } from "@rivet/db-manager";
import { Session, type MemoryStorage } from "@rivet/memory-core";
import { PostgresMemoryStorage, type PostgresMemoryStorageOptions } from "@rivet/memory-postgres";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { journalPath } from "./three-providers.ts";

const MIB = 1024 * 1024;
const SMALL = 20;
/** It takes two seconds on the way, and a statement may take one. */
const LARGE = "x".repeat(4 * MIB);
const SPEED = { bytesPerSecond: 2 * MIB };

const server = sharedServer({ beforeAll, afterAll });

interface Setup {
  readonly storage: PostgresMemoryStorage;
  /** The link to the last provider. */
  readonly proxy: TcpProxy;
  /** The last provider, around the link. */
  readonly direct: PostgresMemoryStorage;
  /** The states that the last provider has taken on. */
  readonly states: string[];
}

/** Providers of which the last one is behind a proxy. */
async function setUp(names: readonly string[], options: PostgresMemoryStorageOptions = {}): Promise<Setup> {
  const urls = await Promise.all(names.map(() => server().createDatabase()));
  const proxy = await startProxy(server());
  const far = urls.at(-1) ?? "";
  const providers = names.map((name, index) => {
    const connectionString = index === names.length - 1 ? proxy.url(far) : (urls[index] ?? "");
    return { name, connectionString, connectTimeoutMs: 20_000 };
  });
  const db = new DatabaseManager({ providers, longestProbeDelayMs: 500 });
  const states: string[] = [];
  db.on("stateChange", ({ provider, to }) => provider === names.at(-1) && states.push(to));
  const storage = new PostgresMemoryStorage({ db, ...options });
  const direct = new PostgresMemoryStorage({ connectionString: far });
  onTestFinished(async () => {
    for (const each of [storage, direct, db]) await each.close();
    await proxy[Symbol.asyncDispose]();
  });
  await storage.open();
  return { storage, proxy, direct, states };
}

/** Sessions of two atoms each: a message, and what the session says of itself. */
function sessions(storage: MemoryStorage): { readonly large: Session; readonly small: Session[] } {
  const sessionOf = (sessionId: string, text: string): Session => {
    const session = new Session({ userId: "ada", storage, sessionId });
    session.addUserMessage(text);
    return session;
  };
  // Its id comes before those of all others.
  const large = sessionOf("a large one", LARGE);
  return { large, small: Array.from({ length: SMALL }, (_, index) => sessionOf(`small ${index}`, `text ${index}`)) };
}

async function expectAll(storage: MemoryStorage): Promise<void> {
  const loaded = await storage.loadSession("a large one");
  expect(loaded?.getRecentMessages(1)[0]?.content === LARGE).toBe(true);
  for (let index = 0; index < SMALL; index += 1) {
    const session = await storage.loadSession(`small ${index}`);
    expect(session?.getRecentMessages(1).map(({ content }) => content)).toEqual([`text ${index}`]);
  }
}

it("a large message is saved over a slow link, with twenty small ones behind it, and loaded again", async () => {
  const { storage, proxy, states } = await setUp(["far"]);
  proxy.setMode("slow", SPEED);
  const { large, small } = sessions(storage);
  const saved = await Promise.all([large, ...small].map((session) => session.save()));
  expect(saved.map(({ acceptedBy }) => acceptedBy)).toEqual(saved.map(() => ["far"]));
  await expectAll(storage);
  expect(states).toEqual(["up"]);
});

it("a journal with a large message empties over a slow link, and its backlog is in the status until then", async () => {
  const { storage, proxy, direct, states } = await setUp(["far"], { local: journalPath() });
  expect((await storage.getReplicationStatus()).journal).toEqual([
    { to: "far", atoms: 0, bytes: 0, oldestAtomAgeMs: undefined },
  ]);
  proxy.setMode("refuse");
  const { large, small } = sessions(storage);
  for (const session of [large, ...small]) expect((await session.save()).acceptedBy).toEqual(["local"]);
  const [backlog] = (await storage.getReplicationStatus()).journal ?? [];
  expect(backlog).toMatchObject({ to: "far", atoms: 2 * (1 + SMALL) });
  expect(backlog?.bytes).toBeGreaterThan(LARGE.length);
  expect(backlog?.oldestAtomAgeMs).toBeGreaterThanOrEqual(0);
  const before = states.length;
  proxy.setMode("slow", SPEED);
  await until(async () => expect((await storage.getReplicationStatus()).journal?.[0]?.atoms).toBe(0));
  await expectAll(direct);
  expect(states.slice(before).filter((state) => state === "down" || state === "suspect")).toEqual([]);
});

it("a large message reaches another provider over a slow link by replication, and small ones beside it", async () => {
  const { storage, proxy, direct, states } = await setUp(["near", "far"]);
  proxy.setMode("slow", SPEED);
  const { large, small } = sessions(storage);
  for (const session of [large, ...small]) await session.save();
  await until(async () => {
    const { pairs } = await storage.getReplicationStatus();
    expect(pairs.map(({ hints }) => hints)).toEqual([0, 0]);
  });
  await expectAll(direct);
  expect(states).toEqual(["up"]);
});

it("a large message reaches another provider over a slow link by a repair, and small ones beside it", async () => {
  const { storage, proxy, direct, states } = await setUp(["near", "far"], { replication: "off" });
  const { large, small } = sessions(storage);
  for (const session of [large, ...small]) await session.save();
  proxy.setMode("slow", SPEED);
  expect(await storage.repair()).toMatchObject({ copied: 2 * (1 + SMALL), refused: 0 });
  await expectAll(direct);
  expect(states).toEqual(["up"]);
});
