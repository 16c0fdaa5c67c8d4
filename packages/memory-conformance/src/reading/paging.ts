import assert from "node:assert/strict";
import { AtomClock, type AtomQuery, type NewMemoryAtom } from "@rivet/memory-core";
import { logAtom, OTHER_USER, savedSession, USER } from "../expectations.ts";
import type { AnyStorage, Concern } from "../suite.ts";

export const paging: Concern = {
  title: "pages",
  cases: [
    {
      title: "of atoms skip and repeat nothing while others append",
      run: async ({ open }) => {
        for (const filter of [
          { sessionId: "s" },
          { userId: USER },
          { userId: USER, memoryType: ["log", "note"] },
          {},
        ]) {
          const storage = await open();
          for (let index = 0; index < 23; index++) await storage.saveMemoryAtom(atom(index));
          const seen: unknown[] = [];
          let before: string | undefined;
          for (;;) {
            const page = await storage.queryMemoryAtoms({
              ...filter,
              limit: 5,
              ...(before === undefined ? {} : { before }),
            });
            seen.push(...page.map(({ content }) => content));
            assert.ok(seen.length <= 23, "no page repeats an atom");
            const last = page.at(-1);
            if (last === undefined) break;
            before = last.id;
            await storage.saveMemoryAtom(atom("appended meanwhile"));
          }
          assert.deepEqual(
            seen,
            Array.from({ length: 23 }, (_, index) => 22 - index),
            JSON.stringify(filter),
          );
        }
      },
    },
    {
      title: "of atoms go forwards too: after an id comes the page next to it, newest first",
      run: async ({ open }) => {
        const storage = await open();
        const first = await storage.saveMemoryAtom(atom(0));
        for (let index = 1; index < 12; index++) await storage.saveMemoryAtom(atom(index));
        const contentsOf = async (query: AtomQuery): Promise<unknown[]> =>
          (await storage.queryMemoryAtoms(query)).map(({ content }) => content);
        for (const filter of [{ sessionId: "s" }, { userId: USER }]) {
          const page = await storage.queryMemoryAtoms({ ...filter, after: first.id, limit: 4 });
          assert.deepEqual(
            page.map(({ content }) => content),
            [4, 3, 2, 1],
          );
          const newest = page[0];
          assert.ok(newest);
          assert.deepEqual(await contentsOf({ ...filter, after: newest.id, limit: 4 }), [8, 7, 6, 5]);
          assert.deepEqual(await contentsOf({ ...filter, after: first.id, before: newest.id }), [3, 2, 1]);
        }
      },
    },
    {
      title: "of atoms are filtered by every condition at once",
      run: async ({ open }) => {
        const storage = await open();
        await storage.saveMemoryAtoms([
          { sessionId: "a", userId: USER, memoryType: "log", content: 1 },
          { sessionId: "a", userId: USER, memoryType: "note", content: 2 },
          { sessionId: "a", userId: USER, memoryType: "issue", content: 3 },
          { sessionId: "b", userId: USER, memoryType: "log", content: 4 },
          { sessionId: "c", userId: OTHER_USER, memoryType: "log", content: 5 },
        ]);
        const found = async (query: AtomQuery): Promise<unknown[]> =>
          (await storage.queryMemoryAtoms(query)).map(({ content }) => content).toSorted();
        assert.deepEqual(await found({}), [1, 2, 3, 4, 5]);
        assert.deepEqual(await found({ memoryType: "log" }), [1, 4, 5]);
        assert.deepEqual(await found({ memoryType: ["log", "note", "log"], userId: USER }), [1, 2, 4]);
        assert.deepEqual(await found({ sessionId: "a", memoryType: ["issue", "note"] }), [2, 3]);
        assert.deepEqual(await found({ sessionId: "a", userId: OTHER_USER }), []);
        assert.deepEqual(await found({ memoryType: [] }), []);
        assert.deepEqual(await found({ sessionId: "nobody's" }), []);
      },
    },
    {
      title: "of a query hold 100 atoms by default, messages and session metadata among them",
      run: async ({ open }) => {
        const storage = await open();
        await savedSession(storage, 120, "s");
        assert.equal((await storage.queryMemoryAtoms()).length, 100);
        const all = await storage.queryMemoryAtoms({ limit: 1_000 });
        assert.equal(all.length, 121);
        assert.equal(all.at(-1)?.memoryType, "session_metadata");
      },
    },
    {
      title: "are as large as their limit, also over 1,000",
      run: async ({ open }) => {
        const storage = await open();
        await saveSessions(storage, 1_500);
        await storage.saveMemoryAtoms(Array.from({ length: 1_500 }, (_, index) => logAtom("s", index)));
        assert.equal((await storage.queryMemoryAtoms({ sessionId: "s", limit: 1_400 })).length, 1_400);
        assert.equal((await storage.queryMemoryAtoms({ userId: USER, limit: 5_000 })).length, 3_000);
        assert.equal((await storage.listSessions({ limit: 1_400 })).length, 1_400);
        assert.equal((await storage.listSessions()).length, 100);
      },
    },
    {
      title: "of sessions repeat none that is written to meanwhile, and skip none that is not",
      run: async ({ open }) => {
        const storage = await open();
        for (let index = 0; index < 12; index++) await savedSession(storage, 1, `session ${index}`);
        const seen: string[] = [];
        let before: string | undefined;
        for (;;) {
          const page = await storage.listSessions({
            userId: USER,
            limit: 5,
            ...(before === undefined ? {} : { before }),
          });
          seen.push(...page.map(({ sessionId }) => sessionId));
          assert.ok(seen.length <= 12, "no page repeats a session");
          before = page.at(-1)?.lastAtomId;
          if (before === undefined) break;
          // This session is on an earlier page and must not appear again.
          await storage.saveMemoryAtom(logAtom("session 11", "later"));
        }
        assert.deepEqual(
          seen,
          Array.from({ length: 12 }, (_, index) => `session ${11 - index}`),
        );
      },
    },
    {
      title: "of sessions follow their last atoms, hours apart, whatever is deleted and arrives late",
      run: async ({ open }) => {
        const storage = await open();
        const atomAt = (sessionId: string, hour: number): NewMemoryAtom<string> & { id: string } => {
          const id = new AtomClock({ now: () => Date.UTC(2025, 0, 1, hour) }).next();
          return { ...logAtom(sessionId, hour), id };
        };
        const save = (...atoms: readonly NewMemoryAtom<string>[]): Promise<unknown> => storage.saveMemoryAtoms(atoms);
        const assertOrder = async (...expected: readonly string[]): Promise<void> => {
          const seen: string[] = [];
          let before: string | undefined;
          do {
            const [session] = await storage.listSessions({ userId: USER, limit: 1, ...(before && { before }) });
            if (session !== undefined) seen.push(session.sessionId);
            before = session?.lastAtomId;
            assert.ok(seen.length <= expected.length, "the pages come to an end");
          } while (before !== undefined);
          assert.deepEqual(seen, expected);
        };
        const [first, last, fourth] = [atomAt("a", 1), atomAt("a", 5), atomAt("a", 4)];
        await save(first, last);
        await save(atomAt("b", 3));
        await assertOrder("a", "b");
        await storage.deleteMemoryAtoms("a", [last.id]);
        await assertOrder("b", "a");
        await save(fourth);
        await assertOrder("a", "b");
        await save(atomAt("b", 2));
        await assertOrder("a", "b");
        await storage.deleteMemoryAtoms("a", [first.id, fourth.id]);
        await assertOrder("b");
        await save(atomAt("a", 2));
        await assertOrder("b", "a");
        await save(atomAt("a", 7), atomAt("b", 6));
        await assertOrder("a", "b");
      },
    },
    {
      title: "of sessions hold what a summary promises",
      run: async ({ open }) => {
        let nowMs = Date.UTC(2025, 0, 1);
        const storage = await open({ clock: new AtomClock({ now: () => (nowMs += 1_000) }) });
        const late = storage.clock.next();
        const session = await savedSession(storage, 2, "s");
        session.setMetadata("title", "old");
        session.setMetadata("gone", true);
        await session.save();
        session.setMetadata("title", "Line 3");
        session.deleteMetadata("gone");
        session.addUserMessage("and");
        await session.save();
        const log = await storage.saveMemoryAtom(logAtom("s", "no message"));
        await storage.saveMemoryAtom({ ...logAtom("s", "arrives late"), id: late, createdAt: new Date(nowMs) });
        const [summary] = await storage.listSessions();
        assert.ok(summary);
        assert.deepEqual(summary.metadata, { title: "Line 3" });
        assert.equal(summary.messageCount, 3);
        assert.equal(summary.lastAtomId, log.id);
        assert.equal(summary.userId, USER);
        assert.deepEqual(summary.createdAt, session.createdAt);
        assert.ok(summary.lastActive > summary.createdAt);
        const loaded = await storage.loadSession("s");
        assert.deepEqual(loaded?.createdAt, summary.createdAt);
        assert.deepEqual(loaded?.lastActive, summary.lastActive);
      },
    },
    {
      title: "are not needed by sessions(), which visits every session once while others append",
      run: async ({ open }) => {
        const storage = await open();
        await saveSessions(storage, 600);
        const seen: string[] = [];
        for await (const { sessionId } of storage.sessions({ userId: USER })) {
          seen.push(sessionId);
          if (seen.length === 1) {
            for (const index of [0, 1, 599]) await storage.saveMemoryAtom(logAtom(`session ${index}`, "moved"));
          }
        }
        assert.equal(seen.length, 600);
        assert.equal(new Set(seen).size, 600);
      },
    },
  ],
};

function atom(content: unknown): { sessionId: string; userId: string; memoryType: string; content: unknown } {
  return { ...logAtom("s", content), memoryType: typeof content === "number" && content % 2 === 0 ? "log" : "note" };
}

async function saveSessions(storage: AnyStorage, count: number): Promise<void> {
  await storage.saveMemoryAtoms(Array.from({ length: count }, (_, index) => logAtom(`session ${index}`, index)));
}
