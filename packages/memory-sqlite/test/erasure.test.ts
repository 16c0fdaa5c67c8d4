import { seededRandom } from "@rivet/local-servers/seeded-random";
import type { MemoryStorage, Session } from "@rivet/memory-core";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { describe, expect, it } from "vitest";
import { ByteSearch } from "./byte-search.ts";
import { seedStore, type SeededStore } from "./seeded-store.ts";
import { temporaryFile } from "./temporary-file.ts";

const SEEDS = 50;

/** Ways to erase: each returns the texts that went. */
const WAYS: Readonly<
  Record<string, (storage: MemoryStorage, store: SeededStore, random: () => number) => Promise<string[]>>
> = {
  deleteUser: async (storage, { victim, victimSessions, texts }) => {
    expect((await storage.deleteUser(victim)).residue).toEqual([]);
    return [victim, ...textsOf(texts, victimSessions)];
  },
  deleteSession: async (storage, { victimSessions, texts }, random) => {
    const gone = victimSessions.filter(() => random() < 0.7);
    for (const { sessionId } of gone) await storage.deleteSession(sessionId);
    return textsOf(texts, gone);
  },
  deleteMemoryAtoms: async (storage, { texts }, random) => {
    const gone = [...texts].filter(() => random() < 0.5);
    for (const [sessionId, atoms] of Map.groupBy(gone, ([, atom]) => atom.sessionId)) {
      const ids = atoms.map(([id]) => id);
      expect(await storage.deleteMemoryAtoms(sessionId, ids)).toBe(ids.length);
    }
    return gone.map(([, { text }]) => text);
  },
  clearHistory: async (storage, { victimSessions, texts }) => {
    const gone: string[] = [];
    for (const { sessionId } of victimSessions) {
      const session = await storage.loadSession(sessionId);
      if (session === null || session.history.length === 0) continue;
      gone.push(...session.history.messages().map(({ id }) => texts.get(id)?.text ?? ""));
      session.clearHistory();
      session.addUserMessage("from the beginning");
      expect((await session.save()).residue).toEqual([]);
    }
    return gone;
  },
  prune: async (storage, { texts }) => {
    expect((await storage.prune({ keepLast: 2 }, { batchSize: 7 })).residue).toEqual([]);
    const kept = new Set<string>();
    for await (const { id } of storage.atoms()) kept.add(id);
    return [...texts].filter(([id]) => !kept.has(id)).map(([, { text }]) => text);
  },
};

function textsOf(texts: SeededStore["texts"], sessions: readonly Session[]): string[] {
  const ids = new Set(sessions.map(({ sessionId }) => sessionId));
  return [...texts.values()].filter(({ sessionId }) => ids.has(sessionId)).map(({ text }) => text);
}

describe("bytes of what was erased", () => {
  it.for(Object.entries(WAYS))(
    `are in no file of the storage when %s returns, in random histories with page splits and merges`,
    { timeout: 120_000 },
    async ([, erase]) => {
      const search = new ByteSearch();
      for (let seed = 1; seed <= SEEDS / Object.keys(WAYS).length; seed++) {
        const path = await temporaryFile();
        await using storage = new SQLiteStorage(path, { durability: "normal" });
        const store = await seedStore(storage, seed);
        const kept = [...store.texts.values()].map(({ text }) => text);
        expect(await search.find(path, kept)).toEqual(kept);
        const gone = await erase(storage, store, seededRandom(-seed));
        expect(gone.length).toBeGreaterThan(1);
        const found = await search.find(path, [...gone, ...store.deletedTexts]);
        expect({ seed, found }).toEqual({ seed, found: [] });
        const isGone = new Set(gone);
        const left = kept.filter((text) => !isGone.has(text));
        expect(await search.find(path, left)).toEqual(left);
      }
    },
  );
});
