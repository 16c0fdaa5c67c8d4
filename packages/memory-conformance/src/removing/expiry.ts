import assert from "node:assert/strict";
import { replicate, verify, type MemoryAtom, type NewMemoryAtom } from "@rivet/memory-core";
import { collect, failsWith, logAtom, USER } from "../expectations.ts";
import { clockAt, DAY_MS, START_MS } from "../passing-time.ts";
import type { AnyStorage, Concern } from "../suite.ts";

const TOMORROW = new Date(START_MS + DAY_MS);

function noted(sessionId: string, content: unknown, expiresAt?: Date): NewMemoryAtom<"log"> {
  return { ...logAtom(sessionId, content), ...(expiresAt === undefined ? {} : { expiresAt }) };
}

/** The contents of all pages, read with a small limit; every page but the last must be full. */
async function pagesOf(storage: AnyStorage, query: object): Promise<unknown[]> {
  const contents: unknown[] = [];
  let before: string | undefined;
  for (;;) {
    const page: MemoryAtom<string, unknown>[] = await storage.queryMemoryAtoms({
      ...query,
      limit: 3,
      ...(before === undefined ? {} : { before }),
    });
    contents.push(...page.map(({ content }) => content));
    if (page.length < 3) return contents;
    before = page.at(-1)?.id;
  }
}

export const expiry: Concern = {
  title: "an atom that expires",
  cases: [
    {
      title: "says when, and one that does not says nothing",
      run: async ({ open }) => {
        const { clock } = clockAt(START_MS);
        const storage = await open({ clock });
        const saved = await storage.saveMemoryAtom(noted("s", 1, TOMORROW));
        assert.deepEqual(saved.expiresAt, TOMORROW);
        const plain = await storage.saveMemoryAtom(noted("s", 2));
        assert.equal("expiresAt" in plain, false);
        const latest = await storage.saveMemoryAtom(noted("s", 3, new Date(8.64e15)));
        const others = await storage.saveMemoryAtoms([noted("other", 4, TOMORROW), noted("third", 5)]);
        await storage.deleteMemoryAtoms("s", [plain.id]);
        const late = await storage.saveMemoryAtom(noted("s", 6, TOMORROW));
        const stored = await storage.queryMemoryAtoms();
        assert.deepEqual(stored.toReversed(), [saved, latest, ...others, late]);
      },
    },
    {
      title: "is in no read from then on, and leaves no gap in a page",
      run: async ({ open }) => {
        const { clock, pass } = clockAt(START_MS);
        const storage = await open({ clock });
        const atoms = Array.from({ length: 12 }, (_, index) =>
          noted("s", index, index % 3 === 0 ? undefined : new Date(TOMORROW.getTime() + index)),
        );
        await storage.saveMemoryAtoms(atoms);
        const queries: object[] = [
          {},
          { sessionId: "s" },
          { userId: USER },
          { sessionId: "s", memoryType: "log" },
          { userId: USER, memoryType: "log" },
          { memoryType: ["log", "message_user"] },
        ];
        for (const query of queries) assert.equal((await pagesOf(storage, query)).length, 12);
        pass(DAY_MS - 1);
        assert.equal((await storage.queryMemoryAtoms()).length, 12);
        // The expiry time itself is the first moment at which the atom is gone.
        pass(2);
        for (const query of queries)
          assert.deepEqual(await pagesOf(storage, query), [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 0]);
        pass(DAY_MS);
        for (const query of queries) assert.deepEqual(await pagesOf(storage, query), [9, 6, 3, 0]);
        const [, oldest] = await storage.queryMemoryAtoms({ sessionId: "s", before: clock.next(), limit: 2 });
        const after = await storage.queryMemoryAtoms({ sessionId: "s", after: oldest?.id ?? "" });
        assert.deepEqual(
          after.map(({ content }) => content),
          [9],
        );
        const streamed = await collect(storage.atoms({ sessionId: "s" }));
        assert.deepEqual(
          streamed.map(({ content }) => content),
          [0, 3, 6, 9],
        );
      },
    },
    {
      title: "is a fact: messages and session metadata do not expire",
      run: async ({ open }) => {
        const storage = await open();
        const atom = noted("s", "hello", TOMORROW);
        const message = await failsWith(
          storage.saveMemoryAtom({ ...atom, memoryType: "message_user" }),
          "invalid_input",
        );
        assert.equal(message.path, "atom.expiresAt");
        const metadata = { ...atom, memoryType: "session_metadata", content: { set: {}, removed: [] } };
        assert.equal(
          (await failsWith(storage.saveMemoryAtoms([metadata]), "invalid_input")).path,
          "atoms[0].expiresAt",
        );
        const invalid = { ...atom, expiresAt: new Date(Number.NaN) };
        assert.equal((await failsWith(storage.saveMemoryAtom(invalid), "invalid_input")).path, "atom.expiresAt");
        assert.equal((await storage.queryMemoryAtoms()).length, 0);
      },
    },
    {
      title: "says so for good: the same id with another time is a conflict, and a repeat none",
      run: async ({ open }) => {
        const { clock, pass } = clockAt(START_MS);
        const storage = await open({ clock });
        const expiring = { ...noted("s", 1, TOMORROW), id: clock.next() };
        const plain = { ...noted("s", 2), id: clock.next() };
        await storage.saveMemoryAtoms([expiring, plain]);
        await storage.saveMemoryAtoms([expiring, plain]);
        const later = { ...expiring, expiresAt: new Date(TOMORROW.getTime() + 1) };
        const { expiresAt: _, ...never } = expiring;
        for (const atom of [later, never, { ...plain, expiresAt: TOMORROW }]) {
          const error = await failsWith(storage.saveMemoryAtom(atom), "conflict");
          assert.equal(error.atomId, atom.id);
        }
        pass(2 * DAY_MS);
        await storage.saveMemoryAtom(expiring);
        await failsWith(storage.saveMemoryAtom(later), "conflict");
        assert.equal((await storage.queryMemoryAtoms()).length, 1);
      },
    },
    {
      title: "reaches other stores as it is, also when it has expired meanwhile",
      run: async ({ open }) => {
        const { clock, pass } = clockAt(START_MS);
        const storage = await open({ clock });
        const target = await open({ clock });
        await storage.saveMemoryAtoms([noted("s", 1, TOMORROW), noted("s", 2), noted("t", 3, TOMORROW)]);
        pass(2 * DAY_MS);
        assert.equal((await replicate(storage, target)).copied, 3);
        assert.deepEqual(await collect(verify(storage, target)), []);
        assert.equal((await replicate(storage, target)).copied, 0);
        assert.equal((await target.queryMemoryAtoms()).length, 1);
        assert.equal((await target.prune()).expired, 2);
        await replicate(target, storage);
        assert.deepEqual(await collect(verify(storage, target)), []);
        assert.equal((await storage.prune()).expired, 0);
      },
    },
  ],
};
