import { sharedServer, until } from "@rivet/local-servers";
import { Session, verify } from "@rivet/memory-core";
import type { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { journalPath, NAMES, ThreeProviders } from "./three-providers.ts";

const server = sharedServer({ beforeAll, afterAll });
const PAST = new Date(Date.UTC(2020, 0));
const FUTURE = new Date(Date.UTC(2120, 0));

async function saveNotes(storage: PostgresMemoryStorage, sessionId: string): Promise<void> {
  const note = { sessionId, userId: "ada", memoryType: "note" };
  await storage.saveMemoryAtoms([
    { ...note, content: "gone", expiresAt: PAST },
    { ...note, content: "soon", expiresAt: FUTURE },
    { ...note, content: "stays" },
  ]);
}

/** Waits until all providers hold the same, and nothing is on its way. */
async function equal(storage: PostgresMemoryStorage, providers: ThreeProviders): Promise<void> {
  await until(
    async () => {
      const { pairs } = await storage.getReplicationStatus();
      expect(pairs.filter(({ hints }) => hints > 0)).toEqual([]);
      for (const name of NAMES.slice(1)) {
        for await (const difference of verify(providers.at("neon"), providers.at(name))) expect(difference).toBeNull();
      }
    },
    { intervalMs: 200 },
  );
}

/** The contents of the notes that each provider holds, whether they have expired or not. */
async function notes(providers: ThreeProviders, sessionId: string): Promise<string[][]> {
  return Promise.all(
    NAMES.map(async (name) => {
      const rows = await providers.at(name).replica.atomsAfter(sessionId, undefined, 100);
      return rows.filter(({ memoryType }) => memoryType === "note").map(({ content }) => JSON.parse(content));
    }),
  );
}

describe("an atom that expires", () => {
  it("has its time at every provider, also when it comes through the journal", async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage({ local: journalPath() });
    await saveNotes(storage, "s");
    await equal(storage, providers);
    providers.cut("refuse", ...NAMES);
    await saveNotes(storage, "t");
    providers.cut("pass", ...NAMES);
    await until(async () => expect(await notes(providers, "t")).toEqual(NAMES.map(() => ["gone", "soon", "stays"])), {
      intervalMs: 200,
    });
    await equal(storage, providers);
    for (const name of NAMES) {
      const stored = await providers.at(name).queryMemoryAtoms({ memoryType: "note" });
      expect(stored.map(({ expiresAt }) => expiresAt)).toEqual([undefined, FUTURE, undefined, FUTURE]);
    }
  });
});

describe("what was pruned", () => {
  it("is gone from every provider, and does not come back with one that was away", async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage();
    const session = new Session({ userId: "ada", storage });
    for (const text of ["one", "two", "three"]) session.addUserMessage(text);
    await session.save();
    const { sessionId } = session;
    await saveNotes(storage, sessionId);
    await equal(storage, providers);

    providers.cut("refuse", "railway");
    const receipt = await storage.prune({ keepLast: 1, memoryTypes: ["message_user"] });
    expect(receipt).toMatchObject({ sessions: 1, atoms: 3, messages: 2, expired: 1 });
    expect(receipt.acceptedBy).toContain("neon");
    providers.cut("pass", "railway");
    await equal(storage, providers);
    await storage.repair();
    expect(await providers.texts(sessionId)).toEqual({ neon: ["three"], supabase: ["three"], railway: ["three"] });
    expect(await notes(providers, sessionId)).toEqual(NAMES.map(() => ["soon", "stays"]));
    expect((await storage.prune({ keepLast: 1, memoryTypes: ["message_user"] })).atoms).toBe(0);
  });
});
