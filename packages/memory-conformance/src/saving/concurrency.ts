import assert from "node:assert/strict";
import { Session } from "@rivet/memory-core";
import {
  collect,
  contents,
  failsWith,
  loadTwice,
  logAtom,
  newSession,
  numbered,
  savedSession,
  storedContents,
  USER,
} from "../expectations.ts";
import type { Concern } from "../suite.ts";

export const concurrency: Concern = {
  title: "writers at the same time",
  cases: [
    {
      title: "keep all messages of both, each in its order",
      run: async ({ open }) => {
        const storage = await open();
        const { sessionId } = await savedSession(storage, 1);
        const [left, right] = await loadTwice(storage, sessionId);
        left.addUserMessage("left 1");
        right.addUserMessage("right 1");
        await Promise.all([left.save(), right.save()]);
        right.addUserMessage("right 2");
        left.addUserMessage("left 2");
        await Promise.all([right.save(), left.save()]);
        const all = await storedContents(storage, sessionId);
        assert.equal(all.length, 5);
        assert.deepEqual(
          all.filter((text) => String(text).startsWith("left")),
          ["left 1", "left 2"],
        );
        assert.deepEqual(
          all.filter((text) => String(text).startsWith("right")),
          ["right 1", "right 2"],
        );
      },
    },
    {
      title: "on two storages keep everything",
      needs: "connect",
      run: async ({ open, connect }) => {
        const storage = await open();
        const other = await connect(storage);
        const { sessionId } = await savedSession(storage, 1);
        const left = await storage.loadSession(sessionId);
        const right = await other.loadSession(sessionId);
        assert.ok(left && right);
        for (let turn = 0; turn < 10; turn++) {
          left.addUserMessage(`left ${turn}`);
          right.addUserMessage(`right ${turn}`);
          await Promise.all([left.save(), right.save()]);
        }
        assert.equal((await storedContents(other, sessionId)).length, 21);
        assert.equal((await storage.listSessions())[0]?.messageCount, 21);
      },
    },
    {
      title: "set twenty metadata keys, and all twenty are there",
      run: async ({ open }) => {
        const storage = await open();
        const { sessionId } = await savedSession(storage, 1);
        const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
        const writers = await Promise.all(keys.map(() => storage.loadSession(sessionId)));
        await Promise.all(
          writers.map(async (writer, index) => {
            writer?.setMetadata(keys[index] ?? "", index);
            await writer?.save();
          }),
        );
        const expected = Object.fromEntries(keys.map((key, index) => [key, index]));
        assert.deepEqual((await storage.loadSession(sessionId))?.metadata, expected);
        assert.deepEqual((await storage.listSessions())[0]?.metadata, expected);
      },
    },
    {
      title: "of many sessions all get through, and heads are exact",
      run: async ({ open }) => {
        const storage = await open();
        const sessions = Array.from({ length: 64 }, (_, index) => newSession(storage, `session ${index}`));
        for (let turn = 0; turn < 3; turn++) {
          await Promise.all(
            sessions.map((session) => {
              session.addUserMessage(`message ${turn}`);
              return session.save();
            }),
          );
        }
        const summaries = await collect(storage.sessions());
        assert.equal(summaries.length, 64);
        for (const { messageCount } of summaries) assert.equal(messageCount, 3);
        assert.deepEqual(await storedContents(storage, "session 63"), numbered(0, 3));
      },
    },
    {
      title: "that repeat one write leave it there once",
      run: async ({ open }) => {
        const storage = await open();
        const session = newSession(storage);
        session.addUserMessage("once");
        const data = session.toJSON();
        const copies = Array.from({ length: 8 }, () => Session.fromJSON(data, storage));
        const receipts = await Promise.all(copies.map((copy) => copy.save()));
        assert.equal(
          receipts.reduce((sum, { written }) => sum + written, 0),
          2,
        );
        assert.deepEqual(await storedContents(storage, session.sessionId), ["once"]);
      },
    },
    {
      title: "see each other's work after refresh, with their own unsaved work kept",
      run: async ({ open }) => {
        const storage = await open();
        const { sessionId } = await savedSession(storage, 1);
        const [left, right] = await loadTwice(storage, sessionId);
        // Its id is created before the other's save, so it sorts before the other's message.
        right.addUserMessage("right, unsaved");
        left.addUserMessage("left");
        left.setMetadata("left", true);
        await left.save();
        right.setMetadata("right", true);
        await right.refresh();
        assert.deepEqual(contents(right), ["message 0", "right, unsaved", "left"]);
        assert.deepEqual(right.metadata, { left: true, right: true });
        assert.equal(right.unsavedCount, 2);
        await right.save();
        await left.refresh();
        assert.deepEqual(contents(left), contents(right));
        assert.deepEqual(left.metadata, right.metadata);
      },
    },
    {
      title: "see in refresh the messages whose ids lie before their own",
      run: async ({ open }) => {
        const storage = await open();
        const { sessionId } = await savedSession(storage, 1);
        const [early, late] = await loadTwice(storage, sessionId);
        early.addUserMessage("minted first");
        late.addUserMessage("saved first");
        await late.save();
        await early.save();
        await late.refresh();
        assert.deepEqual(contents(late), ["message 0", "minted first", "saved first"]);
        assert.deepEqual(await storedContents(storage, sessionId), contents(late));
      },
    },
    {
      title: "see in refresh that messages were deleted",
      run: async ({ open }) => {
        const storage = await open();
        const session = await savedSession(storage, 3);
        const [first] = session.history.messages();
        await storage.deleteMemoryAtoms(session.sessionId, [first?.id ?? ""]);
        await session.refresh();
        assert.deepEqual(contents(session), numbered(1, 3));
      },
    },
    {
      title: "cannot refresh what is deleted or was never saved",
      run: async ({ open }) => {
        const storage = await open();
        await failsWith(newSession(storage).refresh(), "not_found");
        const session = await savedSession(storage, 1);
        await storage.deleteSession(session.sessionId);
        await failsWith(session.refresh(), "not_found");
      },
    },
    {
      title: "open one storage six times at once",
      run: async ({ open }) => {
        const storage = await open();
        const opened = await Promise.all(Array.from({ length: 6 }, () => storage.open()));
        assert.ok(opened.every((each) => each === storage));
        await storage.saveMemoryAtom({ sessionId: "s", userId: USER, memoryType: "log", content: 1 });
      },
    },
    {
      title: "open the same data six times at once",
      needs: "connect",
      run: async ({ open, connect }) => {
        const storage = await open();
        const others = await Promise.all(Array.from({ length: 6 }, () => connect(storage)));
        await Promise.all(others.map((other, index) => other.saveMemoryAtom(logAtom(`session ${index}`, index))));
        assert.equal((await storage.queryMemoryAtoms()).length, 6);
      },
    },
  ],
};
