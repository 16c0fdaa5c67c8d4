import assert from "node:assert/strict";
import { Session } from "@rivet/memory-core";
import {
  collect,
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

export const deletion: Concern = {
  title: "deletion",
  cases: [
    {
      title: "of a session leaves nothing of it, and tells whether there was one",
      run: async ({ open }) => {
        const storage = await open();
        const { sessionId } = await savedSession(storage, 3);
        await savedSession(storage, 1, "other");
        assert.equal(await storage.deleteSession(sessionId), true);
        assert.equal(await storage.deleteSession(sessionId), false);
        assert.equal(await storage.deleteSession("never there"), false);
        assert.equal(await storage.loadSession(sessionId), null);
        assert.equal((await storage.queryMemoryAtoms({ sessionId })).length, 0);
        assert.deepEqual(
          (await storage.listSessions()).map((summary) => summary.sessionId),
          ["other"],
        );
        assert.equal((await storage.queryMemoryAtoms({ userId: USER })).length, 2);
      },
    },
    {
      title: "of a session is final: its id is never used again, by anybody",
      run: async ({ open }) => {
        const storage = await open();
        const session = await savedSession(storage, 1, "s");
        const loadedBefore = await storage.loadSession("s");
        await storage.deleteSession("s");
        session.addUserMessage("late");
        loadedBefore?.addUserMessage("late too");
        const error = await failsWith(session.save(), "not_found");
        assert.equal(error.outcome, "not_applied");
        assert.ok(loadedBefore);
        await failsWith(loadedBefore.save(), "not_found");
        await failsWith(newSession(storage, "s").save(), "not_found");
        await failsWith(new Session({ userId: OTHER_USER, storage, sessionId: "s" }).save(), "not_found");
        await failsWith(storage.saveMemoryAtom(logAtom("s", "late")), "not_found");
        await failsWith(storage.saveMemoryAtoms([logAtom("fresh", 1), logAtom("s", 2)]), "not_found");
        assert.equal((await storage.queryMemoryAtoms()).length, 0);
        assert.deepEqual(await storage.listSessions(), []);
      },
    },
    {
      title: "survives a new storage on the same data",
      needs: "reopen",
      run: async ({ open, reopen }) => {
        const storage = await open();
        await savedSession(storage, 1, "s");
        const log = await storage.saveMemoryAtom(logAtom("t", 1));
        await storage.saveMemoryAtom(logAtom("t", 2));
        await storage.deleteSession("s");
        await storage.deleteMemoryAtoms("t", [log.id]);
        const again = await reopen(storage);
        await failsWith(again.saveMemoryAtom(logAtom("s", "late")), "not_found");
        await again.saveMemoryAtom({ ...logAtom("t", 1), id: log.id });
        assert.equal((await again.queryMemoryAtoms()).length, 1);
      },
    },
    {
      title: "of atoms counts those that were there, and keeps out late arrivals",
      run: async ({ open }) => {
        const storage = await open();
        const kept = await storage.saveMemoryAtom(logAtom("s", "kept"));
        const gone = await storage.saveMemoryAtom(logAtom("s", "gone"));
        const neverThere = storage.clock.next();
        assert.equal(await storage.deleteMemoryAtoms("s", [gone.id.toUpperCase(), gone.id, neverThere]), 1);
        assert.equal(await storage.deleteMemoryAtoms("s", [gone.id]), 0);
        assert.equal(await storage.deleteMemoryAtoms("s", []), 0);
        assert.equal(await storage.deleteMemoryAtoms("no such session", [gone.id]), 0);
        await storage.saveMemoryAtoms([
          { ...logAtom("s", "gone"), id: gone.id },
          { ...logAtom("s", "arrives late"), id: neverThere },
          logAtom("s", "new"),
        ]);
        assert.deepEqual(
          (await storage.queryMemoryAtoms({ sessionId: "s" })).map(({ content }) => content),
          ["new", "kept"],
        );
        assert.equal((await storage.queryMemoryAtoms({ userId: USER, memoryType: "log" })).at(-1)?.id, kept.id);
      },
    },
    {
      title: "of all atoms of a session frees it of content, and still keeps out late arrivals",
      run: async ({ open }) => {
        const storage = await open();
        const only = await storage.saveMemoryAtom(logAtom("s", "only"));
        assert.equal(await storage.deleteMemoryAtoms("s", [only.id]), 1);
        assert.equal(await storage.loadSession("s"), null);
        assert.deepEqual(await storage.listSessions(), []);
        await storage.saveMemoryAtoms([{ ...logAtom("s", "only"), id: only.id }, logAtom("s", "new")]);
        assert.deepEqual(
          (await storage.queryMemoryAtoms({ sessionId: "s" })).map(({ content }) => content),
          ["new"],
        );
      },
    },
    {
      title: "of what is not there changes nothing, and its ids stay free",
      run: async ({ open }) => {
        const storage = await open();
        const gone = await storage.saveMemoryAtom(logAtom("s", "gone"));
        assert.equal(await storage.deleteMemoryAtoms("s", [gone.id]), 1);
        const id = storage.clock.next();
        assert.equal(await storage.deleteSession("t"), false);
        assert.equal(await storage.deleteMemoryAtoms("t", [id]), 0);
        await storage.saveMemoryAtoms([
          { ...logAtom("t", 1), id },
          { ...logAtom("t", 2), id: gone.id },
        ]);
        assert.equal((await storage.queryMemoryAtoms({ sessionId: "t" })).length, 2);
      },
    },
    {
      title: "of 1,500 atoms at once takes them all",
      run: async ({ open }) => {
        const storage = await open();
        const atoms = await storage.saveMemoryAtoms(Array.from({ length: 1_501 }, (_, index) => logAtom("s", index)));
        const ids = atoms.slice(1).map(({ id }) => id);
        assert.equal(await storage.deleteMemoryAtoms("s", ids), 1_500);
        assert.deepEqual(
          (await collect(storage.atoms())).map(({ content }) => content),
          [0],
        );
      },
    },
    {
      title: "of its newest atoms moves a session back in the list",
      run: async ({ open }) => {
        const storage = await open();
        const older = await savedSession(storage, 1, "older");
        await savedSession(storage, 1, "newer");
        const log = await storage.saveMemoryAtom(logAtom("older", "newest of all"));
        const ids = async (): Promise<string[]> => (await storage.listSessions()).map(({ sessionId }) => sessionId);
        assert.deepEqual(await ids(), ["older", "newer"]);
        await storage.deleteMemoryAtoms("older", [log.id]);
        assert.deepEqual(await ids(), ["newer", "older"]);
        const [, summary] = await storage.listSessions();
        assert.equal(summary?.lastAtomId, older.history.messages()[0]?.id);
        assert.deepEqual(summary?.createdAt, older.createdAt);
      },
    },
    {
      title: "of messages and metadata is seen in lists and loads",
      run: async ({ open }) => {
        const storage = await open();
        const session = await savedSession(storage, 3);
        session.setMetadata("old", 1);
        await session.save();
        session.setMetadata("secret", 2);
        await session.save();
        const secrets = await storage.queryMemoryAtoms({ memoryType: "session_metadata", limit: 1 });
        const last = session.history.messages().at(-1);
        assert.ok(last && secrets[0]);
        assert.equal(await storage.deleteMemoryAtoms(session.sessionId, [last.id, secrets[0].id]), 2);
        const [summary] = await storage.listSessions();
        assert.equal(summary?.messageCount, 2);
        assert.deepEqual(summary?.metadata, { old: 1 });
        const loaded = await storage.loadSession(session.sessionId);
        assert.deepEqual(contents(loaded), numbered(0, 2));
        assert.deepEqual(loaded?.metadata, { old: 1 });
      },
    },
    {
      title: "of a user erases everything of theirs, with a receipt, and nothing of others",
      run: async ({ open }) => {
        const storage = await open();
        const first = await savedSession(storage, 3, "first");
        await savedSession(storage, 2, "second");
        await storage.saveMemoryAtom(logAtom("third", "no session"));
        const foreign = new Session({ userId: OTHER_USER, storage, sessionId: "theirs" });
        foreign.addUserMessage("stays");
        await foreign.save();

        const receipt = await storage.deleteUser(USER);
        assert.equal(receipt.userId, USER);
        assert.equal(receipt.sessions, 3);
        assert.equal(receipt.messages, 5);
        assert.equal(receipt.atoms, 8);
        assert.ok(receipt.erasedAt instanceof Date);
        assert.ok(receipt.acceptedBy.length >= 1);

        assert.equal((await storage.queryMemoryAtoms({ userId: USER })).length, 0);
        assert.deepEqual(await storage.listSessions({ userId: USER }), []);
        assert.deepEqual(await collect(storage.atoms({ userId: USER })), []);
        assert.equal(await storage.loadSession("first"), null);
        assert.deepEqual(await storedContents(storage, "theirs"), ["stays"]);
        first.addUserMessage("late");
        await failsWith(first.save(), "not_found");
        assert.equal((await storage.deleteUser(USER)).sessions, 0);
        await savedSession(storage, 1, "a new start");
        assert.equal((await storage.listSessions({ userId: USER })).length, 1);
      },
    },
    {
      title: "names each place that may still hold bytes of what was erased, and what ends that",
      run: async ({ open }) => {
        const storage = await open();
        await savedSession(storage, 1);
        const { residue, acceptedBy } = await storage.deleteUser(USER);
        for (const { store, place, reason, until } of residue) {
          assert.ok(acceptedBy.includes(store) || store === "local", `an unknown store ${store}`);
          assert.ok(["file", "log", "copies", "replica"].includes(place), `an unknown place ${place}`);
          assert.ok(["reader", "size", "failed", "vacuum", "retention", "replication"].includes(reason), reason);
          assert.match(until, /^[A-Z].*\.$/s);
        }
        assert.deepEqual(await storage.residue(), residue);
      },
    },
    {
      title: "of a user takes 1,500 sessions as well as one",
      run: async ({ open }) => {
        const storage = await open();
        await storage.saveMemoryAtoms(Array.from({ length: 1_500 }, (_, index) => logAtom(`session ${index}`, index)));
        const { sessions, atoms, messages } = await storage.deleteUser(USER);
        assert.deepEqual({ sessions, atoms, messages }, { sessions: 1_500, atoms: 1_500, messages: 0 });
        assert.deepEqual(await collect(storage.sessions()), []);
      },
    },
  ],
};
