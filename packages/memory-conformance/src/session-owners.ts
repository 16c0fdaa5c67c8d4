import assert from "node:assert/strict";
import { Session } from "@rivet/memory-core";
import {
  failsWith,
  logAtom,
  newSession,
  OTHER_USER,
  rowOf,
  facts,
  rowsOf,
  savedSession,
  USER,
} from "./expectations.ts";
import { clockAt, START_MS } from "./passing-time.ts";
import type { AnyStorage, Concern } from "./suite.ts";

/** Checks that every write of another user to a session is refused with a code. */
async function othersAreRefused(
  storage: AnyStorage,
  sessionId: string,
  code: "permission" | "not_found" = "permission",
): Promise<void> {
  const foreign = new Session({ userId: OTHER_USER, storage, sessionId });
  foreign.addUserMessage("mine now");
  await failsWith(foreign.save(), code);
  await failsWith(storage.saveMemoryAtom({ ...logAtom(sessionId, 1), userId: OTHER_USER }), code);
  const fresh = { ...logAtom("fresh", 1), userId: OTHER_USER };
  await failsWith(storage.saveMemoryAtoms([fresh, { ...logAtom(sessionId, 2), userId: OTHER_USER }]), code);
  assert.equal((await storage.queryMemoryAtoms({ userId: OTHER_USER })).length, 0);
}

async function ownerGoesOn(storage: AnyStorage, sessionId: string): Promise<void> {
  await storage.saveMemoryAtom(logAtom(sessionId, "more"));
  await storage.saveMemoryAtom(logAtom(sessionId, "still more"));
  const [summary] = await storage.listSessions({ userId: USER });
  assert.equal(summary?.sessionId, sessionId);
  assert.deepEqual(
    (await rowsOf(storage, sessionId)).map(({ content }) => content),
    ['"more"', '"still more"'],
  );
}

export const sessionOwners: Concern = {
  title: "an owner",
  cases: [
    {
      title: "keeps a session that prune emptied: another user's save is refused with permission",
      run: async ({ open }) => {
        const { clock, pass } = clockAt(START_MS);
        const storage = await open({ clock });
        await storage.saveMemoryAtom(logAtom("s", "old"));
        pass(2);
        assert.equal((await storage.prune({ olderThanMs: 1 })).atoms, 1);
        assert.equal(await storage.loadSession("s"), null);
        assert.deepEqual(await storage.listSessions(), []);
        await othersAreRefused(storage, "s");
        await ownerGoesOn(storage, "s");
      },
    },
    {
      title: "keeps a session whose expired atoms were pruned",
      run: async ({ open }) => {
        const { clock, pass } = clockAt(START_MS);
        const storage = await open({ clock });
        await storage.saveMemoryAtom({ ...logAtom("s", "short"), expiresAt: new Date(START_MS + 5) });
        pass(10);
        assert.equal((await storage.prune()).expired, 1);
        await othersAreRefused(storage, "s");
        await ownerGoesOn(storage, "s");
      },
    },
    {
      title: "keeps a session whose atoms were deleted one by one, also in a new storage on the same data",
      needs: "reopen",
      run: async ({ open, reopen }) => {
        const storage = await open();
        const session = await savedSession(storage, 1, "s");
        const atoms = await storage.queryMemoryAtoms({ sessionId: "s" });
        await storage.deleteMemoryAtoms(
          "s",
          atoms.map(({ id }) => id),
        );
        const again = await reopen(storage);
        assert.equal(await again.loadSession("s"), null);
        await othersAreRefused(again, "s");
        const resumed = newSession(again, session.sessionId);
        resumed.addUserMessage("again");
        await resumed.save();
        assert.equal((await again.listSessions({ userId: USER }))[0]?.messageCount, 1);
      },
    },
    {
      title: "keeps a session that another store's tombstones emptied",
      run: async ({ open }) => {
        const storage = await open();
        const row = rowOf(storage, "s");
        await storage.replica.merge(facts([row]));
        assert.equal((await storage.replica.merge(facts([], ["s", row.id]))).removed, 1);
        await othersAreRefused(storage, "s");
        await failsWith(storage.replica.merge(facts([rowOf(storage, "s", "1", OTHER_USER)])), "permission");
        await ownerGoesOn(storage, "s");
      },
    },
    {
      title: "goes on with a session that was emptied as with a new one: nothing of before is in its summary",
      run: async ({ open }) => {
        const { clock, pass } = clockAt(START_MS);
        const storage = await open({ clock });
        const session = await savedSession(storage, 2, "s");
        session.setMetadata("plant", "old");
        await session.save();
        const atoms = await storage.queryMemoryAtoms({ sessionId: "s" });
        await storage.deleteMemoryAtoms(
          "s",
          atoms.map(({ id }) => id),
        );
        pass(60_000);
        const again = await storage.saveMemoryAtom(logAtom("s", "new"));
        const [summary] = await storage.listSessions({ userId: USER });
        assert.deepEqual(
          { ...summary },
          {
            sessionId: "s",
            userId: USER,
            createdAt: again.createdAt,
            lastActive: summary?.lastActive,
            lastAtomId: again.id,
            messageCount: 0,
            metadata: {},
          },
        );
      },
    },
    {
      title: "ends a session that was emptied by deleting it, for good and for everybody",
      run: async ({ open }) => {
        const storage = await open();
        const only = await storage.saveMemoryAtom(logAtom("s", "only"));
        await storage.deleteMemoryAtoms("s", [only.id]);
        assert.equal(await storage.deleteSession("s", { userId: OTHER_USER }), false);
        await storage.saveMemoryAtom({ ...logAtom("s", "back"), id: storage.clock.next() });
        const [back] = await storage.queryMemoryAtoms({ sessionId: "s" });
        await storage.deleteMemoryAtoms("s", [back?.id ?? ""]);
        assert.equal(await storage.deleteSession("s"), false);
        await failsWith(storage.saveMemoryAtom(logAtom("s", "late")), "not_found");
        await othersAreRefused(storage, "s", "not_found");
      },
    },
    {
      title: "who is erased loses the sessions too that were emptied before: nobody writes to them again",
      run: async ({ open }) => {
        const storage = await open();
        const only = await storage.saveMemoryAtom(logAtom("emptied", "only"));
        await storage.deleteMemoryAtoms("emptied", [only.id]);
        await storage.saveMemoryAtom(logAtom("full", "stays until then"));
        const { sessions, atoms } = await storage.deleteUser(USER);
        assert.deepEqual({ sessions, atoms }, { sessions: 1, atoms: 1 });
        await failsWith(storage.saveMemoryAtom(logAtom("emptied", "late")), "not_found");
        await othersAreRefused(storage, "emptied", "not_found");
        await othersAreRefused(storage, "full", "not_found");
      },
    },
  ],
};
