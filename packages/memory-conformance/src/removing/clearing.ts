import assert from "node:assert/strict";
import { Session } from "@rivet/memory-core";
import { contents, logAtom, newSession, numbered, savedSession, storedContents } from "../expectations.ts";
import type { Concern } from "../suite.ts";

export const clearing: Concern = {
  title: "clearing a session's history",
  cases: [
    {
      title: "goes with the next save, and keeps metadata and other atoms",
      run: async ({ open }) => {
        const storage = await open();
        const session = await savedSession(storage, 5);
        session.setMetadata("plant", "north");
        await session.save();
        await storage.saveMemoryAtom(logAtom(session.sessionId, "a fact"));
        session.clearHistory();
        assert.equal(session.history.length, 0);
        assert.deepEqual(await storedContents(storage, session.sessionId), numbered(0, 5));
        session.addUserMessage("a new start");
        await session.save();
        const loaded = await storage.loadSession(session.sessionId);
        assert.deepEqual(contents(loaded), ["a new start"]);
        assert.deepEqual(loaded?.metadata, { plant: "north" });
        assert.equal((await storage.queryMemoryAtoms({ memoryType: "log" })).length, 1);
        assert.equal((await storage.listSessions())[0]?.messageCount, 1);
        await session.refresh();
        assert.deepEqual(contents(session), ["a new start"]);
      },
    },
    {
      title: "takes what was not loaded along, and leaves what others add later",
      run: async ({ open }) => {
        const storage = await open();
        const { sessionId } = await savedSession(storage, 10);
        const tail = await storage.loadSession(sessionId, { lastMessages: 2 });
        const other = await storage.loadSession(sessionId);
        assert.ok(tail && other);
        other.addUserMessage("later");
        await other.save();
        tail.clearHistory();
        assert.equal(tail.unsavedCount, 1);
        await tail.save();
        assert.equal(tail.unsavedCount, 0);
        assert.deepEqual(await storedContents(storage, sessionId), ["later"]);
        await tail.refresh();
        assert.deepEqual(contents(tail), ["later"]);
      },
    },
    {
      title: "holds while a save is under way",
      run: async ({ open }) => {
        const storage = await open();
        const session = newSession(storage);
        session.addUserMessage("on its way");
        const saving = session.save();
        session.clearHistory();
        await saving;
        await session.save();
        assert.deepEqual(await storedContents(storage, session.sessionId), []);
      },
    },
    {
      title: "takes messages of every role",
      run: async ({ open }) => {
        const storage = await open();
        const session = await savedSession(storage, 1);
        session.addSystemMessage("You are an engineer.");
        session.addAssistantMessage([{ type: "tool-call", toolCallId: "1", toolName: "lookUp", input: {} }]);
        session.addToolMessage("Overvoltage", { toolCallId: "1" });
        await session.save();
        session.clearHistory();
        await session.save();
        assert.deepEqual(await storedContents(storage, session.sessionId), []);
        assert.equal((await storage.listSessions())[0]?.messageCount, 0);
      },
    },
    {
      title: "keeps its messages out when they arrive late",
      run: async ({ open }) => {
        const storage = await open();
        const session = newSession(storage);
        session.addUserMessage("cleared");
        const late = Session.fromJSON(session.toJSON(), storage);
        await session.save();
        session.clearHistory();
        await session.save();
        await late.save();
        assert.deepEqual(await storedContents(storage, session.sessionId), []);
        assert.equal((await storage.listSessions())[0]?.messageCount, 0);
      },
    },
  ],
};
