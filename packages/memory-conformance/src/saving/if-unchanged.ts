import assert from "node:assert/strict";
import { Session } from "@rivet/memory-core";
import { failsWith, loadTwice, logAtom, newSession, savedSession, storedContents } from "../expectations.ts";
import type { Concern } from "../suite.ts";

export const ifUnchanged: Concern = {
  title: "saving under ifUnchanged",
  cases: [
    {
      title: "is a conflict when another changed messages or metadata",
      run: async ({ open }) => {
        const storage = await open();
        const { sessionId } = await savedSession(storage, 1);
        for (const change of [
          (other: Session) => void other.addUserMessage("other"),
          (other: Session) => other.setMetadata("other", 1),
        ]) {
          const [mine, other] = await loadTwice(storage, sessionId);
          change(other);
          await other.save();
          mine.addUserMessage("mine");
          const error = await failsWith(mine.save({ ifUnchanged: true }), "conflict");
          assert.equal(error.outcome, "not_applied");
          assert.equal(error.sessionId, sessionId);
          assert.equal(mine.unsavedCount, 1);
          await mine.refresh();
          assert.equal((await mine.save({ ifUnchanged: true })).written, 1);
        }
      },
    },
    {
      title: "is a conflict when another deleted a message or created the session first",
      run: async ({ open }) => {
        const storage = await open();
        const session = await savedSession(storage, 2);
        await storage.deleteMemoryAtoms(session.sessionId, [session.history.messages()[0]?.id ?? ""]);
        session.addUserMessage("mine");
        await failsWith(session.save({ ifUnchanged: true }), "conflict");

        await savedSession(storage, 1, "taken");
        await failsWith(newSession(storage, "taken").save({ ifUnchanged: true }), "conflict");
      },
    },
    {
      title: "is no conflict with the writer's own saves, own facts, or a repeat",
      run: async ({ open }) => {
        const storage = await open();
        const session = newSession(storage);
        session.addUserMessage("first");
        await session.save({ ifUnchanged: true });
        await storage.saveMemoryAtom({ ...logAtom(session.sessionId, "brake chopper"), memoryType: "decision" });
        session.addUserMessage("second");
        const data = session.toJSON();
        await session.save({ ifUnchanged: true });
        const repeated = Session.fromJSON(data, storage);
        assert.equal((await repeated.save({ ifUnchanged: true })).written, 0);
        session.addUserMessage("third");
        await session.save({ ifUnchanged: true });
        assert.deepEqual(await storedContents(storage, session.sessionId), ["first", "second", "third"]);
      },
    },
    {
      title: "is no conflict with what another wrote before the writer's own last save",
      run: async ({ open }) => {
        const storage = await open();
        const { sessionId } = await savedSession(storage, 1);
        const [mine, other] = await loadTwice(storage, sessionId);
        other.addUserMessage("other");
        await other.save();
        mine.addUserMessage("mine");
        await mine.save();
        mine.addUserMessage("mine again");
        assert.equal((await mine.save({ ifUnchanged: true })).written, 1);
      },
    },
    {
      title: "is no conflict when the reply to an earlier save was lost and more was added since",
      run: async ({ open }) => {
        const storage = await open();
        const session = await savedSession(storage, 1);
        session.addUserMessage("message 1");
        const unanswered = Session.fromJSON(session.toJSON(), storage);
        await session.save();
        unanswered.addUserMessage("message 2");
        assert.equal((await unanswered.save({ ifUnchanged: true })).written, 1);
        assert.deepEqual(await storedContents(storage, session.sessionId), ["message 0", "message 1", "message 2"]);
      },
    },
    {
      title: "is no conflict when a save that clears the history is repeated, with or without new messages",
      run: async ({ open }) => {
        const storage = await open();
        for (const added of [[], ["a new start"]]) {
          const session = await savedSession(storage, 2);
          session.clearHistory();
          for (const text of added) session.addUserMessage(text);
          const unanswered = Session.fromJSON(session.toJSON(), storage);
          await session.save({ ifUnchanged: true });
          assert.equal((await unanswered.save({ ifUnchanged: true })).written, 0);
          assert.equal(unanswered.unsavedCount, 0);
          assert.deepEqual(await storedContents(storage, session.sessionId), added);
        }
      },
    },
    {
      title: "is a conflict when another wrote after the save whose reply was lost",
      run: async ({ open }) => {
        const storage = await open();
        const { sessionId } = await savedSession(storage, 1);
        const [session, other] = await loadTwice(storage, sessionId);
        session.addUserMessage("message 1");
        const unanswered = Session.fromJSON(session.toJSON(), storage);
        await session.save();
        other.addUserMessage("other");
        await other.save();
        unanswered.addUserMessage("message 2");
        await failsWith(unanswered.save({ ifUnchanged: true }), "conflict");
        assert.equal(unanswered.unsavedCount, 2);
        await unanswered.refresh();
        assert.equal((await unanswered.save({ ifUnchanged: true })).written, 1);
      },
    },
  ],
};
