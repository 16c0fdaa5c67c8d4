import { InMemoryStorage } from "@rivet/memory-inmemory";
import { reconcile, type Replica } from "@rivet/memory-core";
import { expect, it } from "vitest";

/** A replica that takes facts in another way. */
function withMerge(replica: Replica, merge: Replica["merge"]): Replica {
  return {
    name: replica.name,
    rangesAfter: (...range) => replica.rangesAfter(...range),
    digestsOf: (ranges) => replica.digestsOf(ranges),
    sessions: (...range) => replica.sessions(...range),
    atomIds: (...page) => replica.atomIds(...page),
    atoms: (...keys) => replica.atoms(...keys),
    atomsAfter: (...page) => replica.atomsAfter(...page),
    tombstonesAfter: (...page) => replica.tombstonesAfter(...page),
    merge,
  };
}

/** Holds up every large atom that a replica takes, until it is released. */
function holdingUp(replica: Replica): { replica: Replica; release: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const merge: Replica["merge"] = async (facts) => {
    if (facts.rows.some(({ content }) => content.length > 1_000_000)) await promise;
    return replica.merge(facts);
  };
  return { replica: withMerge(replica, merge), release: resolve };
}

it("a large atom that is copied from store to store holds up no other session, wherever it stands", async () => {
  const [source, target] = [new InMemoryStorage(), new InMemoryStorage()];
  const sessionIds = Array.from({ length: 21 }, (_, index) => `session-${String(index).padStart(2, "0")}`);
  for (const [index, sessionId] of sessionIds.entries()) {
    const content = index === 0 ? "x".repeat(2_000_000) : "small".repeat(20_000);
    await source.saveMemoryAtom({ sessionId, userId: "ada", memoryType: "log", content });
  }
  const held = holdingUp(target.replica);
  const copied = reconcile(source.replica, held.replica, { isBothWays: false, onRefused: () => undefined });
  const arrived = async (): Promise<number> => (await target.listSessions({ userId: "ada" })).length;
  // In batches of a megabyte: the last one goes when all has been read.
  while ((await arrived()) < 10) await new Promise((resolve) => setImmediate(resolve));
  expect(await target.queryMemoryAtoms({ sessionId: sessionIds[0] ?? "" })).toEqual([]);
  held.release();
  expect(await copied).toMatchObject({ copied: 21 });
  expect(await arrived()).toBe(21);
});

it("a store that fails to take a large atom fails the copying", async () => {
  const [source, target] = [new InMemoryStorage(), new InMemoryStorage()];
  for (const sessionId of ["a", "b"]) {
    const content = "x".repeat(sessionId === "a" ? 2_000_000 : 1);
    await source.saveMemoryAtom({ sessionId, userId: "ada", memoryType: "log", content });
  }
  const away = new Error("it is away");
  const replica = withMerge(target.replica, () => Promise.reject(away));
  const copied = reconcile(source.replica, replica, { isBothWays: false, onRefused: () => undefined });
  await expect(copied).rejects.toBe(away);
});
