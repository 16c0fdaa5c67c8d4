import { AtomClock } from "@rivet/memory-core";
import { describe, expect, it } from "vitest";
import type { WriterEvent } from "../src/chaos/events.ts";
import { isFollowed, MAX_SKEW_MS, writerSkews } from "../src/chaos/clocks.ts";
import { History } from "../src/chaos/history.ts";
import { clockProblems, Inspection, orderProblems, type Findings, type StoredAtom } from "../src/chaos/inspection.ts";
import { seededRandom } from "@rivet/local-servers/seeded-random";

const STORES = ["neon", "supabase"];
const SESSION = "session_1";

const NOW = { clockMs: Date.UTC(2026, 0), atMs: Date.UTC(2026, 0) };

function attempted(token: string, id: string, sessionId = SESSION, afterId?: string): WriterEvent {
  const after = afterId === undefined ? {} : { afterId };
  return { event: "attempted", sessionId, atoms: [{ token, id }], ...after, ...NOW };
}

function acknowledged(...tokens: string[]): WriterEvent {
  return { event: "acknowledged", atMs: 0, tokens, acceptedBy: ["neon"] };
}

function atom(token: string | undefined, id: string, sessionId = SESSION): StoredAtom {
  return { token, id, sessionId };
}

/** The number of rows found of each kind. */
function found(events: WriterEvent[], stored: Record<string, StoredAtom[]>): Partial<Record<keyof Findings, number>> {
  const inspection = new Inspection(new History().addAll(events), STORES);
  for (const [store, atoms] of Object.entries(stored)) for (const one of atoms) inspection.see(store, one);
  const counts = Object.entries(inspection.findings()).map(([name, findings]) => [name, findings.length] as const);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

const saved = [attempted("w1.0.1", "a"), acknowledged("w1.0.1")];
const everywhere = { neon: [atom("w1.0.1", "a")], supabase: [atom("w1.0.1", "a")] };

describe("an inspection", () => {
  it("finds nothing wrong when each acknowledged atom is once in each store", () => {
    expect(found(saved, everywhere)).toEqual({});
  });

  it("finds what is in no store, and what is in one alone, lost", () => {
    expect(found(saved, {})).toEqual({ lost: 1 });
    expect(found(saved, { supabase: everywhere.supabase })).toEqual({ lost: 1 });
  });

  it("leaves open whether what was not acknowledged is there", () => {
    expect(found([attempted("w1.0.1", "a")], {})).toEqual({});
    expect(found([attempted("w1.0.1", "a")], everywhere)).toEqual({});
  });

  it("finds a content doubled that is there under two ids, in one store or in two", () => {
    const anyId: WriterEvent = { event: "attempted", sessionId: SESSION, atoms: [{ token: "w1.0.1" }], ...NOW };
    const both = [atom("w1.0.1", "a"), atom("w1.0.1", "b")];
    expect(found([anyId, acknowledged("w1.0.1")], { neon: both, supabase: both })).toEqual({ doubled: 1 });
    const apart = { neon: [atom("w1.0.1", "a")], supabase: [atom("w1.0.1", "b")] };
    expect(found([anyId, acknowledged("w1.0.1")], apart)).toEqual({ doubled: 1 });
  });

  it("finds foreign what nobody attempted, or not so", () => {
    expect(found([], { neon: [atom(undefined, "a")] })).toEqual({ foreign: 1 });
    expect(found([], { neon: [atom("w9.0.1", "a")] })).toEqual({ foreign: 1 });
    const otherId = [atom("w1.0.1", "a"), atom("w1.0.1", "b")];
    expect(found(saved, { ...everywhere, neon: otherId })).toEqual({ foreign: 1 });
    const otherSession = [atom("w1.0.1", "a"), atom("w1.0.1", "a", "session_2")];
    expect(found(saved, { ...everywhere, neon: otherSession })).toEqual({ foreign: 1 });
  });

  it("finds resurrected what is there although its deletion, or its session's, was acknowledged", () => {
    const atomDeleted: WriterEvent = { event: "deleted", sessionId: SESSION, tokens: ["w1.0.1"] };
    const sessionDeleted: WriterEvent = { event: "deleted", sessionId: SESSION };
    for (const deleted of [atomDeleted, sessionDeleted]) {
      const events = [...saved, { ...deleted, event: "deleting" as const }, deleted];
      expect(found(events, {})).toEqual({});
      expect(found(events, { neon: everywhere.neon })).toEqual({ resurrected: 1 });
    }
  });

  it("leaves open whether a deletion was done that was not acknowledged", () => {
    const events: WriterEvent[] = [...saved, { event: "deleting", sessionId: SESSION }];
    expect(found(events, {})).toEqual({});
    expect(found(events, everywhere)).toEqual({});
  });
});

describe("the order of a session", () => {
  const history = new History().addAll([attempted("w1.0.1", "b"), attempted("w2.0.1", "c", SESSION, "b")]);

  it("is right when each message comes after what its writer had read", () => {
    expect(orderProblems(history, new Map([[SESSION, ["b", "c"]]]))).toEqual([]);
  });

  it("is wrong when a message comes before what its writer had read", () => {
    expect(orderProblems(history, new Map([[SESSION, ["c", "b"]]]))).toHaveLength(1);
  });

  it("is told by the ids where a message was deleted", () => {
    const skewed = new History().addAll([attempted("w2.0.1", "a", SESSION, "b")]);
    expect(orderProblems(history, new Map([[SESSION, ["c"]]]))).toEqual([]);
    expect(orderProblems(skewed, new Map([[SESSION, ["a"]]]))).toHaveLength(1);
  });

  it("follows the messages that were attempted together", () => {
    const atoms = [
      { token: "w1.0.1", id: "b" },
      { token: "w1.0.2", id: "a" },
    ];
    const turn = new History().addAll([{ event: "attempted", sessionId: SESSION, atoms, ...NOW }]);
    expect(orderProblems(turn, new Map([[SESSION, ["a", "b"]]]))).toHaveLength(1);
  });
});

describe("a clock that is two years ahead", () => {
  const DAY_MS = 24 * 60 * 60_000;
  const nowMs = NOW.atMs;
  const idAt = (timeMs: number): string => new AtomClock({ now: () => timeMs }).next();
  const ahead = { clockMs: nowMs + 2 * 365 * DAY_MS, atMs: nowMs };

  function attempt(id: string, reading: typeof ahead, beforeId?: string): WriterEvent {
    const before = beforeId === undefined ? {} : { beforeId };
    return { event: "attempted", sessionId: SESSION, atoms: [{ token: "w1.0.1", id }], ...before, ...reading };
  }

  it("is one writer's of all, whatever the seed, and the others are wrong by minutes", () => {
    for (let seed = 0; seed < 50; seed++) {
      const skews = writerSkews(seededRandom(seed), 4);
      expect(skews).toEqual(writerSkews(seededRandom(seed), 4));
      expect(skews.filter((skewMs) => Math.abs(skewMs) <= MAX_SKEW_MS)).toHaveLength(3);
      expect(skews.filter((skewMs) => skewMs > 700 * DAY_MS)).toHaveLength(1);
    }
  });

  it("makes ids that only it follows", () => {
    const id = idAt(ahead.clockMs);
    expect([isFollowed(id, nowMs), isFollowed(id, ahead.clockMs)]).toEqual([false, true]);
    expect(isFollowed(idAt(nowMs + DAY_MS), nowMs)).toBe(true);
  });

  it("may make its ids, and another that has followed it is found by its own", () => {
    const problems = (id: string, reading: typeof ahead): number =>
      clockProblems(new History().addAll([attempt(id, reading)])).length;
    expect(problems(idAt(ahead.clockMs), ahead)).toBe(0);
    expect(problems(idAt(ahead.clockMs), NOW)).toBe(1);
    expect(problems(idAt(nowMs + DAY_MS), NOW)).toBe(1);
    const behind = { clockMs: nowMs - MAX_SKEW_MS, atMs: nowMs };
    expect(problems(idAt(nowMs + MAX_SKEW_MS), behind)).toBe(0);
  });

  it("is counted by the acknowledged atoms that it made, and by those of others in sessions that hold its ids", () => {
    const id = idAt(nowMs);
    const counts = (...events: WriterEvent[]): unknown => new History().addAll(events).idsAhead;
    expect(counts(attempt(id, ahead))).toEqual({ made: 0, met: 0 });
    expect(counts(attempt(id, ahead), acknowledged("w1.0.1"))).toEqual({ made: 1, met: 0 });
    expect(counts(attempt(id, NOW, idAt(ahead.clockMs)), acknowledged("w1.0.1"))).toEqual({ made: 0, met: 1 });
    expect(counts(attempt(id, NOW), acknowledged("w1.0.1"))).toEqual({ made: 0, met: 0 });
  });
});
