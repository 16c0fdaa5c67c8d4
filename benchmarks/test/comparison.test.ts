import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { barLines } from "../src/comparison/bars.ts";
import { hold, inTurn } from "../src/comparison/contest.ts";
import { CountingProxy } from "../src/comparison/counting-proxy.ts";
import { GROUNDS } from "../src/comparison/grounds.ts";
import { NotOffered, RemoteStore, StoreFailure } from "../src/comparison/remote-store.ts";
import type { Results } from "../src/comparison/results.ts";
import { spreadOf } from "../src/comparison/statistics.ts";
import { charts } from "../src/report/charts.ts";
import { withResults } from "../src/report/readme.ts";
import { report } from "../src/report/tables.ts";

const MISBEHAVING = join(import.meta.dirname, "stores", "misbehaving.ts");
const RIVET = join(import.meta.dirname, "..", "src", "comparison", "stores", "rivet.ts");
const LIMIT_MS = 20_000;

const entry = (work: string, contender: string, median: number) =>
  ({ family: "postgres", work, contender, median, lowest: median * 0.9, highest: median * 1.2 }) as const;

const RESULTS: Results = {
  takenAt: "2026-11-24T00:00:00.000Z",
  command: "pnpm bench",
  isQuick: false,
  rounds: 7,
  machine: "2 cores",
  versions: { "Node.js": "24.21.0" },
  entries: [
    entry("save-1000", "rivet", 0.4),
    entry("save-1000", "bare", 0.32),
    entry("save-1000", "mastra", 1.2),
    { family: "postgres", work: "save-1000", contender: "voltagent", reason: 'gave up on "save" after 60 s' },
    entry("at-once-1", "rivet", 2_000),
    entry("at-once-64", "rivet", 20_000),
    entry("at-once-1", "mastra", 900),
    entry("at-once-64", "mastra", 2_500),
  ],
  installs: [{ label: "Rivet Memory", names: ["@rivet/memory-core"], packages: 1, bytes: 600_000 }],
  measures: [],
};

describe("the spread of some values", () => {
  it("is their median, their lowest and their highest", () => {
    expect(spreadOf([5, 1, 9])).toEqual({ median: 5, lowest: 1, highest: 9 });
    expect(spreadOf([4, 1, 2, 8])).toEqual({ median: 3, lowest: 1, highest: 8 });
    expect(() => spreadOf([])).toThrow(RangeError);
  });
});

describe("a store in a process of its own", () => {
  const start = (url: string) => RemoteStore.start(MISBEHAVING, { url }, LIMIT_MS);
  const save = { name: "save", sessionId: "s", turns: 2 } as const;

  it("tells how long each operation took", async () => {
    await using store = await start("keep");
    expect(await store.ask(save, LIMIT_MS)).toHaveLength(2);
    expect(await store.ask({ name: "load", sessionId: "s", messages: 4, times: 3 }, LIMIT_MS)).toHaveLength(3);
  });

  it("is given up when it hangs, with what it was asked and after how long", async () => {
    await using store = await start("hang");
    await expect(store.ask(save, 50)).rejects.toThrow(new StoreFailure('gave up on "save" after 0.05 s'));
  });

  it("may die or refuse, and takes nobody along", async () => {
    await using dying = await start("die");
    await expect(dying.ask(save, LIMIT_MS)).rejects.toThrow(/its process ended \(7\) at "save"/);
    await using refusing = await start("refuse");
    await expect(refusing.ask(save, LIMIT_MS)).rejects.toThrow(new StoreFailure('"save" failed: the table is missing'));
  });

  it("has no figure for what it does not do, or does not give back", async () => {
    await using store = await start("forget");
    await expect(store.ask({ name: "list", sessions: 1, times: 1 }, LIMIT_MS)).rejects.toThrow(NotOffered);
    await expect(store.ask({ name: "load", sessionId: "s", messages: 4, times: 1 }, LIMIT_MS)).rejects.toThrow(
      /it gave 0 where 4 were asked for/,
    );
  });
});

describe("a contest", () => {
  it.each([
    { stores: ["a", "b"], rounds: 2, times: 1 },
    { stores: ["a", "b", "c"], rounds: 6, times: 2 },
    { stores: ["a", "b", "c", "d", "e", "f"], rounds: 6, times: 1 },
  ])("lets each of $stores.length stores follow each other equally often", ({ stores, rounds, times }) => {
    const orders = Array.from({ length: rounds }, (_, index) => inTurn(stores, index - 1));
    const pairs = orders.flatMap((order) => order.slice(1).map((store, index) => `${order[index]}${store}`));
    for (const order of orders) expect(order.toSorted()).toEqual(stores);
    for (const [first, then] of stores.flatMap((store) => stores.map((other) => [store, other]))) {
      if (first !== then) expect(pairs.filter((pair) => pair === `${first}${then}`)).toHaveLength(times);
    }
  });

  it("has a figure of each store that does the work, and a reason for each other", { timeout: 120_000 }, async () => {
    await using ground = await GROUNDS.memory();
    const entries = await hold({
      family: "memory",
      ground: { ...ground, newPlace: async ({ name }) => ({ url: name === "rivet" ? "memory:" : name }) },
      contenders: [
        { name: "rivet", label: "Rivet Memory", modulePath: RIVET },
        { name: "refuse", label: "another", modulePath: MISBEHAVING },
      ],
      rounds: 1,
      limitMs: LIMIT_MS,
      warmUpMs: 1,
      works: ["load-1000"],
      onProgress: () => {},
    });
    expect(entries).toMatchObject([
      { contender: "rivet", work: "load-1000", median: expect.any(Number) },
      { contender: "refuse", work: "load-1000", reason: '"save" failed: the table is missing' },
    ]);
  });
});

describe("a counting proxy", () => {
  it("counts a request and its answer as one round trip, in however many pieces they come", async () => {
    const server = createServer((socket) => socket.on("data", (data) => data.includes("\n") && socket.write("answer")));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    await using proxy = await CountingProxy.start(address.port);
    const client = connect(proxy.port, "127.0.0.1");
    for (const question of ["one\n", "two\n"]) {
      client.write(question);
      await once(client, "data");
    }
    expect(proxy.roundTrips).toBe(2);
    client.destroy();
    server.close();
  });
});

describe("a report", () => {
  it("shows figures with their spread, who was given up and why, and which bars are kept", () => {
    const text = report(RESULTS);
    expect(text).toContain(
      "| save a turn, after 1,000 messages, ms | 0.4 (0.36–0.48) | 0.32 (0.288–0.384) | 1.2 (1.08–1.44) | — |",
    );
    expect(text).toContain('VoltAgent, save a turn, after 1,000 messages: gave up on "save" after 60 s.');
    expect(text).toContain("| Rivet Memory | `@rivet/memory-core` | 1 | 0.6 |");
    expect(text).toContain("| PostgreSQL, save a turn | bare INSERT | 1.25 | ≤ 1.3 | ✓ |");
    expect(text).toContain("| PostgreSQL, 64 sessions: turns/s | best peer | 8 | ≥ 10 | ✗ |");
    expect(barLines(RESULTS.entries).map(({ title }) => title)).not.toContain("SQLite, save a turn");
  });

  it("draws a chart of each kind that it has figures for", () => {
    const drawn = charts(RESULTS);
    expect(Object.keys(drawn)).toEqual(["postgres-save.svg", "postgres-at-once.svg"]);
    expect(drawn["postgres-save.svg"]).toMatch(/^<svg[^>]* xmlns="http:\/\/www\.w3\.org\/2000\/svg"[\s\S]*<\/svg>$/);
    expect(drawn["postgres-save.svg"]).toContain("Rivet Memory");
  });

  it("of the last run that was kept stands in the README", async () => {
    const root = join(import.meta.dirname, "..", "..");
    const readme = await readFile(join(root, "README.md"), "utf8");
    const kept: Results = JSON.parse(await readFile(join(root, "docs", "benchmarks", "results.json"), "utf8"));
    // Formatting may widen the columns of a table, and nothing else.
    const plain = (text: string): string => text.replaceAll(/[ -]+\|/g, " |");
    expect(plain(withResults(readme, kept))).toBe(plain(readme));
  });
});
