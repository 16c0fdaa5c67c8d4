import assert from "node:assert/strict";
import { AtomClock, type Session } from "@rivet/memory-core";
import { contents, logAtom, numbered, savedSession, storedContents, USER } from "../expectations.ts";
import type { Concern } from "../suite.ts";

const TWO_YEARS_MS = 2 * 365 * 24 * 60 * 60 * 1_000;

export const ordering: Concern = {
  title: "order",
  cases: [
    {
      title: "is kept within one millisecond, and the last ten are the last ten",
      run: async ({ open }) => {
        const storage = await open({ clock: new AtomClock({ now: () => 1_750_000_000_000 }) });
        const session = await savedSession(storage, 500);
        assert.deepEqual(await storedContents(storage, session.sessionId), numbered(0, 500));
        const last = await storage.loadSession(session.sessionId, { lastMessages: 10 });
        assert.deepEqual(contents(last), numbered(490, 500));
      },
    },
    {
      title: "is kept when the clock goes backwards",
      run: async ({ open }) => {
        let nowMs = 1_750_000_000_000;
        const storage = await open({ clock: new AtomClock({ now: () => (nowMs -= 1_000) }) });
        const session = await savedSession(storage, 50);
        session.addUserMessage("message 50");
        await session.save();
        assert.deepEqual(await storedContents(storage, session.sessionId), numbered(0, 51));
      },
    },
    {
      title: "is kept when a clock that was two years ahead is set back, five minutes behind what was read",
      run: async ({ open }) => {
        const rightMs = 1_750_000_000_000;
        let nowMs = rightMs;
        const storage = await open({ clock: new AtomClock({ now: () => nowMs }) });
        const { sessionId } = await savedSession(storage, 1);
        const metadata = await storage.loadSession(sessionId);
        assert.ok(metadata);
        metadata.setMetadata("plant", "north");
        await metadata.save();
        nowMs = rightMs + TWO_YEARS_MS;
        await savedSession(storage, 1);
        const session = await storage.loadSession(sessionId);
        assert.ok(session);
        nowMs = rightMs - 300_000;
        session.addUserMessage("message 1");
        session.setMetadata("plant", "south");
        await session.save();
        assert.deepEqual(contents(session), numbered(0, 2));
        assert.deepEqual(await storedContents(storage, sessionId), numbered(0, 2));
        assert.deepEqual((await storage.loadSession(sessionId))?.metadata, { plant: "south" });
      },
    },
    {
      title: "is causal between writers whose clocks disagree by five minutes",
      needs: "connect",
      run: async ({ open, connect }) => {
        const ahead = await open({ clock: new AtomClock({ now: () => Date.now() + 300_000 }) });
        const behind = await connect(ahead);
        const asking = await savedSession(ahead, 1);
        const answering = await behind.loadSession(asking.sessionId);
        assert.ok(answering);
        answering.addAssistantMessage("the answer");
        await answering.save();
        assert.deepEqual(await storedContents(ahead, asking.sessionId), ["message 0", "the answer"]);
      },
    },
    {
      title: "of a session that was loaded goes on at its end",
      run: async ({ open }) => {
        const storage = await open();
        const { sessionId } = await savedSession(storage, 3);
        const loaded = await storage.loadSession(sessionId);
        loaded?.addUserMessage("message 3");
        await loaded?.save();
        assert.deepEqual(await storedContents(storage, sessionId), numbered(0, 4));
      },
    },
    {
      title: "of the last messages holds when other atoms lie between and after them",
      run: async ({ open }) => {
        const storage = await open();
        const { sessionId } = await savedSession(storage, 5);
        await storage.saveMemoryAtoms(Array.from({ length: 20 }, (_, index) => logAtom(sessionId, index)));
        const last = await storage.loadSession(sessionId, { lastMessages: 2 });
        assert.deepEqual(contents(last), numbered(3, 5));
        assert.deepEqual(contents(await storage.loadSession(sessionId, { lastMessages: 50 })), numbered(0, 5));
      },
    },
    {
      title: "of 5,000 messages is whole",
      run: async ({ open }) => {
        const storage = await open();
        const { sessionId } = await savedSession(storage, 5_000);
        assert.deepEqual(await storedContents(storage, sessionId), numbered(0, 5_000));
      },
    },
    {
      title: "is that of the last read, not of the reader: a session with only its last messages appends and saves",
      run: async ({ open }) => {
        const storage = await open();
        const { sessionId } = await savedSession(storage, 20);
        const tail = await storage.loadSession(sessionId, { lastMessages: 3 });
        assert.ok(tail);
        assert.equal(tail.history.length, 3);
        tail.addUserMessage("message 20");
        assert.equal((await tail.save()).written, 1);
        await tail.refresh();
        assert.deepEqual(contents(tail), numbered(17, 21));
        assert.deepEqual(await storedContents(storage, sessionId), numbered(0, 21));
      },
    },
    {
      title: "of atoms in a query is newest first",
      run: async ({ open }) => {
        const storage = await open();
        for (let index = 0; index < 5; index++) await storage.saveMemoryAtom(logAtom("s", index));
        const newest = await storage.queryMemoryAtoms({ sessionId: "s", limit: 3 });
        assert.deepEqual(
          newest.map(({ content }) => content),
          [4, 3, 2],
        );
      },
    },
    {
      title: "of sessions is by their last atom, most recent first",
      run: async ({ open }) => {
        const storage = await open();
        const sessions: Session[] = [];
        for (const sessionId of ["a", "b", "c"]) sessions.push(await savedSession(storage, 1, sessionId));
        sessions[0]?.addUserMessage("again");
        await sessions[0]?.save();
        const ids = async (query: { userId?: string }): Promise<string[]> =>
          (await storage.listSessions(query)).map(({ sessionId }) => sessionId);
        assert.deepEqual(await ids({}), ["a", "c", "b"]);
        assert.deepEqual(await ids({ userId: USER }), ["a", "c", "b"]);
        assert.deepEqual(
          (await storage.listSessions({ limit: 1 })).map(({ sessionId }) => sessionId),
          ["a"],
        );
      },
    },
  ],
};
