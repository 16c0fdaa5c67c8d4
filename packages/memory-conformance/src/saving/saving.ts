import assert from "node:assert/strict";
import { AtomClock, Session, type SaveReceipt } from "@rivet/memory-core";
import {
  contents,
  failsWith,
  logAtom,
  newSession,
  numbered,
  OTHER_USER,
  savedSession,
  storedContents,
  USER,
} from "../expectations.ts";
import type { Concern } from "../suite.ts";

export const saving: Concern = {
  title: "saving",
  cases: [
    {
      title: "writes what is new, once, and says how much",
      run: async ({ open }) => {
        const storage = await open();
        const session = newSession(storage);
        session.addUserMessage("question");
        session.addAssistantMessage("answer");
        assert.equal(session.unsavedCount, 3);
        const receipt = await session.save();
        assert.equal(receipt.written, 3);
        assert.ok(receipt.acceptedBy.length >= 1);
        assert.equal(receipt.degraded, false);
        assert.equal(session.unsavedCount, 0);
        session.addUserMessage("another");
        assert.equal((await session.save()).written, 1);
        assert.equal((await session.save()).written, 0);
        assert.deepEqual(await storedContents(storage, session.sessionId), ["question", "answer", "another"]);
      },
    },
    {
      title: "keeps a session without messages",
      run: async ({ open }) => {
        const storage = await open();
        const session = newSession(storage);
        await session.save();
        assert.deepEqual(await storedContents(storage, session.sessionId), []);
      },
    },
    {
      title: "keeps roles, parts, metadata and times of messages",
      run: async ({ open }) => {
        const storage = await open();
        const session = newSession(storage);
        session.addSystemMessage("You are an engineer.");
        session.addUserMessage([
          { type: "text", text: "What is this?" },
          { type: "image", image: "aGVsbG8=", mediaType: "image/png" },
        ]);
        session.addAssistantMessage([
          { type: "reasoning", text: "Look it up." },
          { type: "tool-call", toolCallId: "call-1", toolName: "lookUp", input: { code: "F0002" } },
        ]);
        session.addToolMessage([
          { type: "tool-result", toolCallId: "call-1", toolName: "lookUp", output: { type: "json", value: [1, null] } },
        ]);
        session.addAssistantMessage("An overvoltage.", { model: "m", usage: { tokens: 12 } });
        await session.save();
        const loaded = await storage.loadSession(session.sessionId);
        assert.ok(loaded);
        assert.deepEqual(loaded.history.messages(), session.history.messages());
        assert.deepEqual(loaded.createdAt, session.createdAt);
      },
    },
    {
      title: "changes nothing when a save is repeated after its reply was lost",
      run: async ({ open }) => {
        const storage = await open();
        const session = newSession(storage);
        session.addUserMessage("once");
        const unsaved = session.toJSON();
        await session.save();
        const repeated = Session.fromJSON(unsaved, storage);
        assert.equal((await repeated.save()).written, 0);
        assert.deepEqual(await storedContents(storage, session.sessionId), ["once"]);
        const [summary] = await storage.listSessions();
        assert.equal(summary?.messageCount, 1);
      },
    },
    {
      title: "writes each atom once when saves of one session overlap",
      run: async ({ open }) => {
        const storage = await open();
        const session = newSession(storage);
        session.addUserMessage("first");
        const saves = [session.save(), session.save()];
        session.addUserMessage("second");
        saves.push(session.save(), session.save());
        const receipts = await Promise.all(saves);
        assert.equal(
          receipts.reduce((sum, { written }) => sum + written, 0),
          3,
        );
        assert.deepEqual(await storedContents(storage, session.sessionId), ["first", "second"]);
      },
    },
    {
      title: "keeps everything unsaved after a failure, and the same call may be repeated",
      run: async ({ open }) => {
        const storage = await open();
        const session = await savedSession(storage, 1, "contested");
        const other = await storage.loadSession("contested");
        assert.ok(other);
        other.addUserMessage("by another writer");
        await other.save();
        session.addUserMessage("kept");
        session.setMetadata("key", "kept too");
        const save = (): Promise<SaveReceipt> => session.save({ ifUnchanged: true });
        const error = await failsWith(save(), "conflict");
        assert.equal(error.outcome, "not_applied");
        assert.equal(session.unsavedCount, 2);
        await failsWith(save(), "conflict");
        assert.equal(session.unsavedCount, 2);
        assert.deepEqual(contents(session), ["message 0", "kept"]);
        await session.refresh();
        assert.equal((await save()).written, 2);
        assert.equal(session.unsavedCount, 0);
        assert.deepEqual((await storedContents(storage, "contested")).toSorted(), [
          "by another writer",
          "kept",
          "message 0",
        ]);
      },
    },
    {
      title: "is conflict for an id that exists with other content, and nothing of the call is applied",
      run: async ({ open }) => {
        const storage = await open();
        const id = new AtomClock().next();
        await storage.saveMemoryAtom({ ...logAtom("s", "original"), id });
        for (const other of [
          { ...logAtom("s", "other"), id },
          { ...logAtom("s", "original"), id, memoryType: "note" },
          { ...logAtom("s", "original"), id, metadata: { edited: true } },
        ]) {
          const error = await failsWith(storage.saveMemoryAtoms([logAtom("s", "with it"), other]), "conflict");
          assert.equal(error.atomId, id);
          assert.equal(error.sessionId, "s");
          assert.equal(error.outcome, "not_applied");
        }
        const atoms = await storage.queryMemoryAtoms({ sessionId: "s" });
        assert.deepEqual(
          atoms.map(({ content }) => content),
          ["original"],
        );
      },
    },
    {
      title: "is no conflict for the same content in another key order, or at another time",
      run: async ({ open }) => {
        const storage = await open();
        const id = new AtomClock().next();
        await storage.saveMemoryAtom({ ...logAtom("s", { a: 1, b: { c: 2, d: 3 } }), id });
        await storage.saveMemoryAtom({ ...logAtom("s", { b: { d: 3, c: 2 }, a: 1 }), id, createdAt: new Date(0) });
        const atoms = await storage.queryMemoryAtoms({ sessionId: "s" });
        assert.equal(atoms.length, 1);
        assert.notEqual(atoms[0]?.createdAt.getTime(), 0);
      },
    },
    {
      title: "saves several atoms all or nothing, over several sessions",
      run: async ({ open }) => {
        const storage = await open();
        await storage.saveMemoryAtom({ ...logAtom("theirs", 0), userId: OTHER_USER });
        await failsWith(
          storage.saveMemoryAtoms([logAtom("a", 1), logAtom("theirs", 2), logAtom("z", 3)]),
          "permission",
        );
        assert.equal((await storage.queryMemoryAtoms({ userId: USER })).length, 0);
        const saved = await storage.saveMemoryAtoms([logAtom("z", 3), logAtom("a", 1), logAtom("a", 2)]);
        assert.deepEqual(
          saved.map(({ content }) => content),
          [3, 1, 2],
        );
        assert.equal((await storage.queryMemoryAtoms({ userId: USER })).length, 3);
        assert.deepEqual(await storage.saveMemoryAtoms([]), []);
      },
    },
    {
      title: "takes an id twice in one call as one atom, and with two contents as a conflict",
      run: async ({ open }) => {
        const storage = await open();
        const id = new AtomClock().next();
        await failsWith(
          storage.saveMemoryAtoms([
            { ...logAtom("s", 1), id },
            { ...logAtom("s", 2), id },
          ]),
          "conflict",
        );
        await storage.saveMemoryAtoms([
          { ...logAtom("s", 1), id },
          { ...logAtom("s", 1), id },
        ]);
        assert.equal((await storage.queryMemoryAtoms({ sessionId: "s" })).length, 1);
      },
    },
    {
      title: "adds what is missing when some atoms of a call are there already",
      run: async ({ open }) => {
        const storage = await open();
        const atoms = [1, 2, 3].map((content) => ({ ...logAtom("s", content), id: new AtomClock().next() }));
        await storage.saveMemoryAtoms(atoms.slice(1, 2));
        await storage.saveMemoryAtoms(atoms);
        assert.equal((await storage.queryMemoryAtoms({ sessionId: "s" })).length, 3);
      },
    },
    {
      title: "lets one id stand in two sessions",
      run: async ({ open }) => {
        const storage = await open();
        const id = new AtomClock().next();
        await storage.saveMemoryAtom({ ...logAtom("a", "of a"), id });
        await storage.saveMemoryAtom({ ...logAtom("b", "of b"), id });
        assert.equal((await storage.queryMemoryAtoms({ sessionId: "a" }))[0]?.content, "of a");
        assert.equal((await storage.queryMemoryAtoms({ sessionId: "b" }))[0]?.content, "of b");
        assert.equal((await storage.queryMemoryAtoms({ userId: USER })).length, 2);
        assert.equal((await storage.listSessions()).length, 2);
      },
    },
    {
      title: "gives back an atom as it was given, with an id and a time",
      run: async ({ open }) => {
        const storage = await open();
        const createdAt = new Date("2024-02-29T12:34:56.789Z");
        const given = { ...logAtom("s", { deep: [1, "two", null, true] }), metadata: { source: "manual" }, createdAt };
        const saved = await storage.saveMemoryAtom(given);
        const [stored] = await storage.queryMemoryAtoms({ sessionId: "s" });
        assert.deepEqual(stored, saved);
        assert.deepEqual({ ...given, id: saved.id }, { ...saved });
      },
    },
    {
      title: "stores a Date as its ISO string and leaves out properties that are undefined",
      run: async ({ open }) => {
        const storage = await open();
        await storage.saveMemoryAtom(logAtom("s", { at: new Date(0), gone: undefined }));
        const [stored] = await storage.queryMemoryAtoms({ sessionId: "s" });
        assert.deepEqual(stored?.content, { at: "1970-01-01T00:00:00.000Z" });
      },
    },
    {
      title: "survives a new storage on the same data",
      needs: "reopen",
      run: async ({ open, reopen }) => {
        const storage = await open();
        const session = await savedSession(storage, 3);
        session.setMetadata("key", { nested: true });
        await session.save();
        await storage.saveMemoryAtom({ ...logAtom(session.sessionId, "fact"), memoryType: "decision" });
        const again = await reopen(storage);
        const loaded = await again.loadSession(session.sessionId);
        assert.deepEqual(contents(loaded), numbered(0, 3));
        assert.deepEqual(loaded?.metadata, { key: { nested: true } });
        assert.equal((await again.queryMemoryAtoms({ memoryType: "decision" })).length, 1);
        loaded?.addUserMessage("message 3");
        await loaded?.save();
        assert.deepEqual(await storedContents(again, session.sessionId), numbered(0, 4));
      },
    },
    {
      title: "happens at the end of an `await using` block",
      run: async ({ open }) => {
        const storage = await open();
        const session = newSession(storage);
        {
          await using scoped = session;
          scoped.addUserMessage("saved on the way out");
        }
        assert.deepEqual(await storedContents(storage, session.sessionId), ["saved on the way out"]);
      },
    },
    {
      title: "binds a session without a storage to the first that saves it, and refuses another",
      run: async ({ open }) => {
        const storage = await open();
        const other = await open();
        const session = new Session({ userId: USER });
        session.addUserMessage("hello");
        await failsWith(session.save(), "invalid_input");
        await storage.saveSession(session);
        await failsWith(other.saveSession(session), "invalid_input");
        session.addUserMessage("again");
        await session.save();
        assert.deepEqual(await storedContents(storage, session.sessionId), ["hello", "again"]);
      },
    },
    {
      title: "goes on from a session that was JSON meanwhile, unsaved work included",
      run: async ({ open }) => {
        const storage = await open();
        const session = await savedSession(storage, 2);
        session.addUserMessage("message 2");
        session.setMetadata("key", 1);
        const copy = Session.fromJSON(JSON.parse(JSON.stringify(session)), storage);
        assert.deepEqual(contents(copy), numbered(0, 3));
        assert.equal(copy.unsavedCount, 2);
        assert.equal((await copy.save({ ifUnchanged: true })).written, 2);
        assert.deepEqual(await storedContents(storage, session.sessionId), numbered(0, 3));
        assert.equal((await session.save()).written, 0);
      },
    },
  ],
};
