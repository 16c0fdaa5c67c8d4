import { AtomClock, MemoryError, type AtomKey, type AtomRow, type Facts, type Merged } from "@rivet/memory-core";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { expect, it, onTestFinished } from "vitest";
import { drain, LARGE_ROWS, SMALL_ROWS } from "../src/journal/drain.ts";
import { Drainer } from "../src/journal/drainer.ts";
import { journalPath } from "./three-providers.ts";

const clock = new AtomClock();
const PROVIDERS = ["neon", "railway"];

function rowOf(sessionId: string, content = "1"): AtomRow {
  const id = clock.next();
  return {
    sessionId,
    id,
    userId: "ada",
    memoryType: "log",
    content,
    metadata: "{}",
    createdAtMs: 5,
    expiresAtMs: null,
  };
}

async function journalWith(rows: readonly AtomRow[]): Promise<SQLiteStorage["journal"]> {
  const file = new SQLiteStorage(journalPath());
  onTestFinished(() => file.close());
  await file.journal.append(rows);
  return file.journal;
}

function refusal(code: "conflict" | "unavailable"): MemoryError {
  return new MemoryError({ code, message: "no" });
}

it("settles only what the provider has acknowledged", async () => {
  const rows = Array.from({ length: 1_200 }, () => rowOf("a"));
  const journal = await journalWith(rows);
  const sent: AtomRow[] = [];
  const merge = async (_: string, { rows: part }: Facts): Promise<Merged> => {
    if (sent.length > 0) throw refusal("unavailable");
    sent.push(...part);
    return { inserted: part.length, removed: 0 };
  };
  const drained = drain({ journal, providers: PROVIDERS, merge, onRefused: () => undefined }, "neon", SMALL_ROWS);
  await expect(drained).rejects.toMatchObject({ code: "unavailable" });
  expect(sent).toHaveLength(500);
  expect(await journal.pending("neon", undefined, 2_000)).toEqual(rows.slice(500));
  expect(await journal.pending("railway", undefined, 2_000)).toEqual(rows);
});

it("goes around the rows that a provider refuses, and keeps them", async () => {
  const rows = ["a", "a", "b", "b", "c"].map((sessionId) => rowOf(sessionId));
  const [, poison] = rows;
  const journal = await journalWith(rows);
  const sent = new Set<AtomRow | undefined>();
  const merge = async (_: string, { rows: part }: Facts): Promise<Merged> => {
    if (part.some(({ id }) => id === poison?.id)) throw refusal("conflict");
    for (const row of part) sent.add(row);
    return { inserted: part.length, removed: 0 };
  };
  const refused: string[] = [];
  const onRefused = (provider: string, { id }: AtomKey): void => void refused.push(`${provider} ${id}`);
  await drain({ journal, providers: PROVIDERS, merge, onRefused }, "neon", SMALL_ROWS);
  expect(sent).toEqual(new Set(rows.filter((row) => row !== poison)));
  expect(refused).toEqual([`neon ${poison?.id}`]);
  expect(await journal.pending("neon", undefined, 10)).toEqual([poison]);
});

it("brings the small rows in pages of a megabyte, and each large one by itself", async () => {
  const small = Array.from({ length: 12 }, (_, index) => rowOf(`s${index}`, JSON.stringify("x".repeat(200_000))));
  const large = ["a", "s1", "z"].map((sessionId) => rowOf(sessionId, JSON.stringify("y".repeat(2_000_000))));
  const journal = await journalWith([...large, ...small]);
  const pages: AtomRow[][] = [];
  const merge = async (_: string, { rows }: Facts): Promise<Merged> => {
    pages.push([...rows]);
    return { inserted: rows.length, removed: 0 };
  };
  const init = { journal, providers: PROVIDERS, merge, onRefused: () => undefined };
  await drain(init, "neon", SMALL_ROWS);
  expect(pages.map(({ length }) => length)).toEqual([5, 5, 2]);
  expect(new Set(pages.flat())).toEqual(new Set(small));
  await drain(init, "neon", LARGE_ROWS);
  expect(pages.slice(3)).toEqual(large.map((row) => [row]));
  const [neon, railway] = await journal.backlog(PROVIDERS);
  expect(neon).toEqual({ store: "neon", atoms: 0, bytes: 0, oldestId: undefined });
  expect(railway).toMatchObject({ store: "railway", atoms: 15, oldestId: small[0]?.id });
  expect(railway?.bytes).toBe([...small, ...large].reduce((sum, { content }) => sum + content.length + 2, 0));
});

it("brings fewer rows at a time to a provider that is too slow for a whole page, until it has all", async () => {
  const journal = await journalWith(Array.from({ length: 1_200 }, (_, index) => rowOf(`s${index}`)));
  const pages: number[] = [];
  let nowMs = 0;
  const merge = async (_: string, { rows }: Facts): Promise<Merged> => {
    nowMs += rows.length * 5;
    // The deadline of a statement: half a second.
    if (rows.length > 100) throw refusal("unavailable");
    pages.push(rows.length);
    return { inserted: rows.length, removed: 0 };
  };
  const drainer = new Drainer({
    journal,
    providers: PROVIDERS,
    merge,
    onRefused: () => undefined,
    isUsable: () => false,
    onError: () => undefined,
    nowMs: () => nowMs,
  });
  onTestFinished(() => drainer.stop());
  drainer.start();
  // Each failure is a moment at which the provider was away and returned.
  let failures = 0;
  while ((await journal.backlog(PROVIDERS))[0]?.atoms !== 0) {
    await drainer.catchUp("neon").catch(() => (failures += 1));
    expect(failures).toBeLessThan(100);
  }
  expect(pages.reduce((sum, rows) => sum + rows, 0)).toBe(1_200);
});
