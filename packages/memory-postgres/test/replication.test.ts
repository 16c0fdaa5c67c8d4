import { sharedServer } from "@rivet/local-servers";
import { Session, verify } from "@rivet/memory-core";
import type { PostgresMemoryStorage } from "@rivet/memory-postgres";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { NAMES, ThreeProviders } from "./three-providers.ts";

const server = sharedServer({ beforeAll, afterAll });

/** All that differs between the providers. */
async function differences(providers: ThreeProviders): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const name of NAMES.slice(1)) {
    for await (const difference of verify(providers.at("neon"), providers.at(name)))
      found.push({ name, ...difference });
  }
  return found;
}

async function hintsLeft(storage: PostgresMemoryStorage): Promise<number> {
  const { pairs } = await storage.getReplicationStatus();
  return pairs.reduce((sum, { hints }) => sum + hints, 0);
}

async function settled(storage: PostgresMemoryStorage): Promise<void> {
  await vi.waitFor(async () => expect(await hintsLeft(storage)).toBe(0), 10_000);
}

async function say(session: Session, text: string): Promise<void> {
  session.addUserMessage(text);
  await session.save();
}

describe("what one provider accepts", () => {
  it("reaches every other one: messages, atoms, metadata and deletions", async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage();
    const session = new Session({ userId: "ada", storage });
    session.setMetadata("plant", "north");
    await say(session, "one");
    await say(session, "two");
    const { sessionId } = session;
    const kept = await storage.saveMemoryAtom({ sessionId, userId: "ada", memoryType: "decision", content: { a: 1 } });
    const gone = await storage.saveMemoryAtom({ sessionId, userId: "ada", memoryType: "decision", content: { a: 2 } });
    await settled(storage);
    await storage.deleteMemoryAtoms(sessionId, [gone.id]);
    const other = new Session({ userId: "ada", storage });
    await say(other, "of no use");
    await storage.deleteSession(other.sessionId);
    await settled(storage);
    for (const name of NAMES) {
      const loaded = await providers.at(name).loadSession(sessionId);
      expect(loaded?.metadata).toEqual({ plant: "north" });
      expect(loaded?.getRecentMessages().map(({ content }) => content)).toEqual(["one", "two"]);
      const facts = await providers.at(name).queryMemoryAtoms({ sessionId, memoryType: "decision" });
      expect(facts.map(({ id }) => id)).toEqual([kept.id]);
      expect(await providers.at(name).loadSession(other.sessionId)).toBeNull();
    }
    expect(await differences(providers)).toEqual([]);
  });

  it("reaches a provider that was away before it takes work again", async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage();
    const session = new Session({ userId: "ada", storage });
    await say(session, "one");
    await settled(storage);
    providers.cut("refuse", "neon");
    await say(session, "two");
    await storage.deleteSession((await makeSession(storage)).sessionId);
    providers.cut("pass", "neon");
    await vi.waitFor(() => expect(storage.db.provider).toBe("neon"), 8_000);
    const loaded = await storage.loadSession(session.sessionId);
    expect(loaded?.getRecentMessages().map(({ content }) => content)).toEqual(["one", "two"]);
    await settled(storage);
    expect(await differences(providers)).toEqual([]);
  });
});

async function makeSession(storage: PostgresMemoryStorage): Promise<Session> {
  const session = new Session({ userId: "ada", storage });
  await say(session, "hello");
  return session;
}

describe("a repair", () => {
  it("makes providers equal that differ in every way", async () => {
    const providers = await ThreeProviders.start(server());
    const storage = await providers.storage();
    for (const name of NAMES) {
      const alone = providers.at(name);
      for (let count = 0; count < 3; count += 1) await makeSession(alone);
      const deleted = await makeSession(alone);
      await alone.deleteSession(deleted.sessionId);
    }
    expect(await differences(providers)).not.toEqual([]);
    const { copied, providers: names, skipped } = await storage.repair();
    expect({ copied, names, skipped }).toEqual({ copied: 36, names: [...NAMES], skipped: [] });
    expect(await differences(providers)).toEqual([]);
    expect(await storage.repair()).toMatchObject({ compared: 0, copied: 0, removed: 0 });
  });
});
