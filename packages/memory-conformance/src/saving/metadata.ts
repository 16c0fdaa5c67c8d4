import assert from "node:assert/strict";
import { Session } from "@rivet/memory-core";
import { collect, loadTwice, newSession, savedSession, USER } from "../expectations.ts";
import type { Concern } from "../suite.ts";

export const metadata: Concern = {
  title: "session metadata",
  cases: [
    {
      title: "start with the initial ones and follow each change",
      run: async ({ open }) => {
        const storage = await open();
        const session = new Session({ userId: USER, storage, metadata: { plant: "north", line: 3 } });
        await session.save();
        session.setMetadata("line", 4);
        session.setMetadata("tags", ["a", { b: null }]);
        session.deleteMetadata("plant");
        session.deleteMetadata("never there");
        await session.save();
        const expected = { line: 4, tags: ["a", { b: null }] };
        const loaded = await storage.loadSession(session.sessionId);
        assert.deepEqual(loaded?.metadata, expected);
        assert.equal(loaded?.getMetadata("line"), 4);
        assert.equal(loaded?.getMetadata("plant", "fallback"), "fallback");
        assert.deepEqual((await storage.listSessions())[0]?.metadata, expected);
        assert.deepEqual((await collect(storage.sessions()))[0]?.metadata, expected);
      },
    },
    {
      title: "that are set again after they were removed are there",
      run: async ({ open }) => {
        const storage = await open();
        const session = await savedSession(storage, 0);
        for (const step of [1, undefined, 2, undefined, 3]) {
          if (step === undefined) session.deleteMetadata("key");
          else session.setMetadata("key", step);
          await session.save();
          const expected = step === undefined ? {} : { key: step };
          assert.deepEqual((await storage.loadSession(session.sessionId))?.metadata, expected);
        }
      },
    },
    {
      title: "are one atom a save, with only the keys that changed",
      run: async ({ open }) => {
        const storage = await open();
        const session = await savedSession(storage, 0);
        session.setMetadata("a", 1);
        session.setMetadata("a", 2);
        session.setMetadata("b", 3);
        assert.equal(session.unsavedCount, 1);
        assert.equal((await session.save()).written, 1);
        const [change] = await storage.queryMemoryAtoms({ memoryType: "session_metadata" });
        assert.deepEqual(change?.content, { set: { a: 2, b: 3 }, removed: [] });
      },
    },
    {
      title: "of two writers: the later change of a key wins, whichever is saved first",
      run: async ({ open }) => {
        const storage = await open();
        const { sessionId } = await savedSession(storage, 1);
        const [early, late] = await loadTwice(storage, sessionId);
        early.setMetadata("key", "early");
        early.setMetadata("only early", true);
        // The ids are created here, in this order; the saves follow in the opposite order.
        early.toJSON();
        late.setMetadata("key", "late");
        late.toJSON();
        await late.save();
        await early.save();
        const expected = { key: "late", "only early": true };
        assert.deepEqual((await storage.loadSession(sessionId))?.metadata, expected);
        assert.deepEqual((await storage.listSessions())[0]?.metadata, expected);
      },
    },
    {
      title: "that were removed stay so when an older change arrives late",
      run: async ({ open }) => {
        const storage = await open();
        const session = new Session({ userId: USER, storage, metadata: { key: "first", other: 1 } });
        await session.save();
        const { sessionId } = session;
        const [early, late] = await loadTwice(storage, sessionId);
        early.setMetadata("key", "older");
        // The id of the older change is created here; the change arrives after the removal.
        early.toJSON();
        late.deleteMetadata("key");
        await late.save();
        await early.save();
        assert.deepEqual((await storage.loadSession(sessionId))?.metadata, { other: 1 });
        assert.deepEqual((await storage.listSessions())[0]?.metadata, { other: 1 });
      },
    },
    {
      title: "are there when only the last messages are loaded",
      run: async ({ open }) => {
        const storage = await open();
        const session = newSession(storage);
        session.setMetadata("early", true);
        for (let index = 0; index < 30; index++) session.addUserMessage(`message ${index}`);
        await session.save();
        const tail = await storage.loadSession(session.sessionId, { lastMessages: 1 });
        assert.deepEqual(tail?.metadata, { early: true });
      },
    },
  ],
};
