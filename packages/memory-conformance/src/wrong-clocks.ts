import assert from "node:assert/strict";
import {
  AtomClock,
  atomIdTimeMs,
  judgeAtomId,
  replicate,
  Session,
  verify,
  type SessionSummary,
} from "@rivet/memory-core";
import { collect, contents, failsWith, logAtom, numbered, savedSession, storedContents } from "./expectations.ts";
import type { AnyStorage, Backend, Concern } from "./suite.ts";

const TWO_YEARS_MS = 2 * 365 * 24 * 60 * 60 * 1_000;

/** A storage with data that was written under a clock two years ahead: a session `s` of two messages. */
async function storageWithIdsAhead({ open }: Backend): Promise<AnyStorage> {
  const ahead = await open({ clock: new AtomClock({ now: () => Date.now() + TWO_YEARS_MS }) });
  const session = await savedSession(ahead, 2, "s");
  session.setMetadata("plant", "north");
  await session.save();
  const storage = await open();
  await replicate(ahead, storage);
  return storage;
}

async function load(storage: AnyStorage, lastMessages?: number): Promise<Session> {
  const session = await storage.loadSession("s", lastMessages === undefined ? {} : { lastMessages });
  assert.ok(session);
  return session;
}

export const wrongClocks: Concern = {
  title: "a session with ids of a clock that is two years ahead",
  cases: [
    {
      title: "is readable, and no clock follows it: other sessions are saved in their order",
      run: async (backend) => {
        const storage = await storageWithIdsAhead(backend);
        assert.deepEqual(contents(await load(storage)), numbered(0, 2));
        assert.equal(judgeAtomId(storage.clock.next(), Date.now()), "good");
        const other = await savedSession(storage, 3, "other");
        assert.deepEqual(await storedContents(storage, "other"), numbered(0, 3));
        assert.ok(other.history.messages().every(({ id }) => judgeAtomId(id, Date.now()) === "good"));
      },
    },
    {
      title: "takes new messages, and an object shows them in the order in which they are loaded",
      run: async (backend) => {
        const storage = await storageWithIdsAhead(backend);
        const session = await load(storage);
        session.addUserMessage("new");
        assert.equal((await session.save({ ifUnchanged: true })).written, 1);
        const stored = await storedContents(storage, "s");
        assert.deepEqual(stored.toSorted(), ["message 0", "message 1", "new"]);
        assert.deepEqual(contents(session), stored);
        await session.refresh();
        assert.deepEqual(contents(session), stored);
        const copy = Session.fromJSON(JSON.parse(JSON.stringify(await savedSession(storage, 1, "other"))), storage);
        assert.equal(copy.unsavedCount, 0);
      },
    },
    {
      title: "that was loaded from its last message on, is refreshed with what others add",
      run: async (backend) => {
        const storage = await storageWithIdsAhead(backend);
        const tail = await load(storage, 1);
        tail.addUserMessage("of the reader");
        await tail.save();
        const other = await load(storage);
        other.addUserMessage("of another");
        other.setMetadata("line", 7);
        await other.save();
        await tail.refresh();
        for (const text of ["of the reader", "of another", "message 1"]) assert.ok(contents(tail).includes(text), text);
        assert.deepEqual(tail.metadata, { plant: "north", line: 7 });
      },
    },
    {
      title: "is cleared without what is added later, by this writer or another, also when the save is repeated",
      run: async (backend) => {
        const storage = await storageWithIdsAhead(backend);
        const session = await load(storage);
        const other = await load(storage);
        session.clearHistory();
        other.addUserMessage("of another");
        await other.save();
        session.addUserMessage("new");
        const repeated = Session.fromJSON(session.toJSON(), storage);
        await session.save();
        assert.deepEqual(await storedContents(storage, "s"), ["of another", "new"]);
        await repeated.save();
        assert.deepEqual(await storedContents(storage, "s"), ["of another", "new"]);
        await session.refresh();
        assert.deepEqual(contents(session), ["of another", "new"]);
        assert.equal((await storage.listSessions())[0]?.messageCount, 2);
      },
    },
    {
      title: "refuses a change of metadata that such an id overrules, names the id and its time, and takes all others",
      run: async (backend) => {
        const storage = await storageWithIdsAhead(backend);
        for (const change of [
          (session: Session): void => session.setMetadata("plant", "south"),
          (session: Session): void => session.deleteMetadata("plant"),
        ]) {
          const session = await load(storage);
          session.addUserMessage("not saved");
          change(session);
          const error = await failsWith(session.save(), "conflict");
          assert.equal(error.sessionId, "s");
          const time = new Date(atomIdTimeMs(error.atomId ?? "")).toISOString();
          assert.ok(error.message.includes(time) && error.message.includes(error.atomId ?? "?"), error.message);
          assert.equal(error.outcome, "not_applied");
          assert.equal(session.unsavedCount, 2);
        }
        const session = await load(storage);
        assert.deepEqual(contents(session), numbered(0, 2));
        session.setMetadata("line", 7);
        await session.save();
        assert.deepEqual((await load(storage)).metadata, { plant: "north", line: 7 });
        const blind = { ...logAtom("s", { set: { plant: "south" }, removed: [] }), memoryType: "session_metadata" };
        await failsWith(storage.saveMemoryAtoms([blind, logAtom("elsewhere", 1)]), "conflict");
        assert.equal((await storage.queryMemoryAtoms({ sessionId: "elsewhere" })).length, 0);
      },
    },
    {
      title: "takes a change of metadata again once the atom that overrules it is deleted",
      run: async (backend) => {
        const storage = await storageWithIdsAhead(backend);
        const session = await load(storage);
        session.setMetadata("plant", "south");
        const { atomId } = await failsWith(session.save(), "conflict");
        assert.equal(await storage.deleteMemoryAtoms("s", [atomId ?? ""]), 1);
        await session.save();
        assert.deepEqual((await load(storage)).metadata, { plant: "south" });
      },
    },
    {
      title: "is in every page once, and is replicated whole",
      run: async (backend) => {
        const storage = await storageWithIdsAhead(backend);
        const session = await load(storage);
        session.addUserMessage("new");
        await session.save();
        await savedSession(storage, 1, "other");
        const ids: string[] = [];
        for (let before: string | undefined; ; before = ids.at(-1)) {
          const page = await storage.queryMemoryAtoms({ sessionId: "s", limit: 1, ...(before && { before }) });
          if (page[0] === undefined) break;
          ids.push(page[0].id);
          assert.ok(ids.length <= 5, "the pages of atoms come to an end");
        }
        assert.equal(new Set(ids).size, 5);
        const listed: SessionSummary[] = [];
        for (let before: string | undefined; ; before = listed.at(-1)?.lastAtomId) {
          const [summary] = await storage.listSessions({ limit: 1, ...(before && { before }) });
          if (summary === undefined) break;
          listed.push(summary);
          assert.ok(listed.length <= 2, "the pages of sessions come to an end");
        }
        assert.deepEqual(
          listed.map(({ sessionId }) => sessionId),
          ["s", "other"],
        );
        const copy = await backend.open();
        await replicate(storage, copy);
        assert.deepEqual(await collect(verify(storage, copy)), []);
      },
    },
  ],
};
