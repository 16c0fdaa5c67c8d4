import assert from "node:assert/strict";
import { Session } from "@rivet/memory-core";
import {
  collect,
  contents,
  failsWith,
  logAtom,
  newSession,
  OTHER_USER,
  savedSession,
  storedContents,
  USER,
} from "./expectations.ts";
import type { Concern } from "./suite.ts";

const LOOK_ALIKES = [
  "user1",
  "user10",
  "user1%",
  "user_",
  "User1",
  "user1 ",
  "a:b",
  "a",
  "é",
  "e\u0301",
  "😀",
  "\ud83d",
  "\ud83e",
  "\ufffd",
];

export const ownership: Concern = {
  title: "users",
  cases: [
    {
      title: "see nothing of one another, however alike their ids are",
      run: async ({ open }) => {
        const storage = await open();
        for (const userId of LOOK_ALIKES) {
          const session = new Session({ userId, storage, sessionId: `session of ${userId}` });
          session.addUserMessage(userId);
          await session.save();
          await storage.saveMemoryAtom({ sessionId: session.sessionId, userId, memoryType: userId, content: userId });
        }
        for (const userId of LOOK_ALIKES) {
          const sessions = await storage.listSessions({ userId });
          assert.deepEqual(
            sessions.map((session) => [session.userId, session.sessionId]),
            [[userId, `session of ${userId}`]],
          );
          assert.deepEqual(await storedContents(storage, `session of ${userId}`), [userId]);
          const atoms = await storage.queryMemoryAtoms({ userId });
          assert.equal(atoms.length, 3);
          assert.ok(atoms.every((atom) => atom.userId === userId));
          const typed = await storage.queryMemoryAtoms({ memoryType: userId });
          assert.deepEqual(
            typed.map((atom) => [atom.memoryType, atom.content]),
            [[userId, userId]],
          );
          assert.equal((await collect(storage.atoms({ userId }))).length, 3);
          assert.equal((await collect(storage.sessions({ userId }))).length, 1);
        }
      },
    },
    {
      title: "find another's session as if it were not there",
      run: async ({ open }) => {
        const storage = await open();
        const { sessionId } = await savedSession(storage, 1);
        const log = await storage.saveMemoryAtom(logAtom(sessionId, "mine"));
        const stranger = { userId: OTHER_USER };
        assert.equal(await storage.loadSession(sessionId, stranger), null);
        assert.equal(await Session.load(sessionId, storage, stranger), null);
        assert.equal(await storage.deleteSession(sessionId, stranger), false);
        assert.equal(await storage.deleteMemoryAtoms(sessionId, [log.id], stranger), 0);
        assert.deepEqual([...(await storage.queryMemoryAtoms({ sessionId, ...stranger }))], []);
        assert.deepEqual(await collect(storage.atoms({ sessionId, ...stranger })), []);
        assert.deepEqual(await storage.listSessions(stranger), []);
        assert.equal((await storage.deleteUser(OTHER_USER)).atoms, 0);

        const owner = { userId: USER };
        assert.deepEqual(contents(await storage.loadSession(sessionId, owner)), ["message 0"]);
        assert.equal((await storage.queryMemoryAtoms({ sessionId, ...owner })).length, 3);
        assert.equal(await storage.deleteMemoryAtoms(sessionId, [log.id], owner), 1);
        assert.equal(await storage.deleteSession(sessionId, owner), true);
      },
    },
    {
      title: "leave no trace when they delete in another's session: its ids stay free",
      run: async ({ open }) => {
        const storage = await open();
        const { sessionId } = await savedSession(storage, 1);
        const onItsWay = storage.clock.next();
        const stranger = { userId: OTHER_USER };
        assert.equal(await storage.deleteMemoryAtoms(sessionId, [onItsWay], stranger), 0);
        assert.equal(await storage.deleteSession(sessionId, stranger), false);
        await storage.saveMemoryAtom({ ...logAtom(sessionId, "arrived"), id: onItsWay });
        assert.equal((await storage.queryMemoryAtoms({ memoryType: "log" }))[0]?.content, "arrived");
      },
    },
    {
      title: "are refused with permission when they write to another's session",
      run: async ({ open }) => {
        const storage = await open();
        const { sessionId } = await savedSession(storage, 1);
        const foreign = new Session({ userId: OTHER_USER, storage, sessionId });
        foreign.addUserMessage("mine now");
        const error = await failsWith(foreign.save(), "permission");
        assert.equal(error.outcome, "not_applied");
        assert.equal(error.retryable, false);
        await failsWith(storage.saveMemoryAtom({ ...logAtom(sessionId, 1), userId: OTHER_USER }), "permission");
        assert.deepEqual(await storedContents(storage, sessionId), ["message 0"]);
        assert.equal((await storage.queryMemoryAtoms({ userId: OTHER_USER })).length, 0);
      },
    },
    {
      title: "own a session id from their first atom on, before there is a session",
      run: async ({ open }) => {
        const storage = await open();
        await storage.saveMemoryAtom(logAtom("s", "first"));
        await failsWith(storage.saveMemoryAtom({ ...logAtom("s", 2), userId: OTHER_USER }), "permission");
        assert.deepEqual(await storedContents(storage, "s"), []);
        assert.equal((await storage.listSessions({ userId: USER })).length, 1);
        const session = newSession(storage, "s");
        session.addUserMessage("joined");
        await session.save();
        assert.deepEqual(await storedContents(storage, "s"), ["joined"]);
      },
    },
  ],
};
