import { AtomClock, MemoryError, type AtomRow, type Facts, type Merged } from "@rivet/memory-core";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { expect, it, onTestFinished } from "vitest";
import { drain } from "../src/drain.ts";
import { journalPath } from "./three-providers.ts";

const clock = new AtomClock();
const PROVIDERS = ["neon", "railway"];

function rowOf(sessionId: string): AtomRow {
  const id = clock.next();
  return {
    sessionId,
    id,
    userId: "ada",
    memoryType: "log",
    content: "1",
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
  const drained = drain({ journal, providers: PROVIDERS, merge, onRefused: () => undefined }, "neon");
  await expect(drained).rejects.toMatchObject({ code: "unavailable" });
  expect(sent).toHaveLength(500);
  expect(await journal.pending("neon", undefined, 2_000)).toEqual(rows.slice(500));
  expect(await journal.pending("railway", undefined, 2_000)).toEqual(rows);
});

it("goes around the rows that a provider refuses, and keeps them", async () => {
  const rows = ["a", "a", "b", "b", "c"].map(rowOf);
  const [, poison] = rows;
  const journal = await journalWith(rows);
  const sent = new Set<AtomRow | undefined>();
  const merge = async (_: string, { rows: part }: Facts): Promise<Merged> => {
    if (part.some(({ id }) => id === poison?.id)) throw refusal("conflict");
    for (const row of part) sent.add(row);
    return { inserted: part.length, removed: 0 };
  };
  const refused: string[] = [];
  const onRefused = (provider: string, { id }: AtomRow): void => void refused.push(`${provider} ${id}`);
  await drain({ journal, providers: PROVIDERS, merge, onRefused }, "neon");
  expect(sent).toEqual(new Set(rows.filter((row) => row !== poison)));
  expect(refused).toEqual([`neon ${poison?.id}`]);
  expect(await journal.pending("neon", undefined, 10)).toEqual([poison]);
});
