import assert from "node:assert/strict";
import { NIL_ID, ownerOf, replicate, UNKNOWN_OWNER, verify, type AtomRow } from "@rivet/memory-core";
import {
  collect,
  failsWith,
  facts,
  logAtom,
  OTHER_USER,
  rowOf,
  rowsOf,
  savedSession,
  storedContents,
  USER,
} from "../expectations.ts";
import type { AnyStorage, Concern } from "../suite.ts";

const OTHERS = ownerOf(OTHER_USER);

/** The ids and owners of the tombstones of a session. */
async function tombstonesOf(storage: AnyStorage, sessionId: string): Promise<[id: string, owner: string][]> {
  const tombstones = await storage.replica.tombstonesAfter(sessionId, undefined, 1_000);
  return tombstones.map(({ id, owner }) => [id, owner]);
}

function byKey([leftId, leftOwner]: [string, string], [rightId, rightOwner]: [string, string]): number {
  return `${leftId} ${leftOwner}` < `${rightId} ${rightOwner}` ? -1 : 1;
}

function ofOther(row: AtomRow): AtomRow {
  return { ...row, userId: OTHER_USER };
}

export const tombstoneOwners: Concern = {
  title: "a tombstone",
  cases: [
    {
      title: "holds the SHA-256 of its owner's user id, whatever characters are in it, and not the id",
      run: async ({ open }) => {
        const storage = await open();
        for (const [index, userId] of [USER, "ü\u{1f600} \ud83d\u0010", "ada@example.com"].entries()) {
          const [atom] = await storage.saveMemoryAtoms([
            { ...logAtom(`atom ${index}`, 1), userId },
            { ...logAtom(`atom ${index}`, 2), userId },
            { ...logAtom(`whole ${index}`, 3), userId },
          ]);
          await storage.deleteMemoryAtoms(`atom ${index}`, [atom?.id ?? ""]);
          await storage.deleteSession(`whole ${index}`);
          const stored = (await rowsOf(storage, `atom ${index}`))[0]?.userId ?? "";
          assert.deepEqual(await tombstonesOf(storage, `atom ${index}`), [[atom?.id, ownerOf(stored)]]);
          assert.deepEqual(await tombstonesOf(storage, `whole ${index}`), [[NIL_ID, ownerOf(stored)]]);
          await storage.deleteUser(userId);
          assert.deepEqual(await tombstonesOf(storage, `atom ${index}`), [[NIL_ID, ownerOf(stored)]]);
        }
      },
    },
    {
      title: "for an id that the store has never seen keeps out its owner's atom, and no other user's",
      run: async ({ open }) => {
        const storage = await open();
        const row = rowOf(storage, "s");
        const other = ofOther(rowOf(storage, "t"));
        await storage.replica.merge(facts([], ["s", row.id], ["t", other.id]));
        assert.deepEqual(await storage.replica.merge(facts([row, other])), { inserted: 1, removed: 0 });
        await storage.saveMemoryAtoms([
          { ...logAtom("s", "late"), id: row.id },
          { ...logAtom("t", "late"), userId: OTHER_USER },
        ]);
        await storage.saveMemoryAtom({ ...logAtom("t", "more"), userId: OTHER_USER });
        assert.deepEqual(await rowsOf(storage, "s"), []);
        assert.equal((await rowsOf(storage, "t")).length, 3);
      },
    },
    {
      title: "of a session id that nobody has used closes it to its owner, and leaves it to everybody else",
      run: async ({ open }) => {
        const storage = await open();
        await storage.replica.merge(facts([], ["s", NIL_ID]));
        await failsWith(storage.saveMemoryAtom(logAtom("s", "late")), "not_found");
        await storage.saveMemoryAtom({ ...logAtom("s", "mine"), userId: OTHER_USER });
        await storage.saveMemoryAtom({ ...logAtom("s", "mine too"), userId: OTHER_USER });
        assert.equal((await storage.listSessions({ userId: OTHER_USER })).length, 1);
        await failsWith(storage.saveMemoryAtom(logAtom("s", "late")), "permission");
        assert.deepEqual(await storage.replica.merge(facts([rowOf(storage, "s")])), { inserted: 0, removed: 0 });
        assert.equal((await rowsOf(storage, "s")).length, 2);
      },
    },
    {
      title: "of another user removes nothing, and the session goes on",
      run: async ({ open }) => {
        const storage = await open();
        const session = await savedSession(storage, 2, "s");
        const [first] = session.history.messages();
        const late = rowOf(storage, "s");
        const foreign = facts([], ["s", NIL_ID, OTHERS], ["s", first?.id ?? "", OTHERS], ["s", late.id, OTHERS]);
        assert.equal((await storage.replica.merge(foreign)).removed, 0);
        session.addUserMessage("message 2");
        await session.save();
        await storage.saveMemoryAtom({ ...logAtom("s", "late"), id: late.id });
        assert.deepEqual(await storedContents(storage, "s"), ["message 0", "message 1", "message 2"]);
        assert.equal((await storage.queryMemoryAtoms({ memoryType: "log" })).length, 1);
      },
    },
    {
      title: "of another user never opens a session that was deleted, nor takes the place of its owner's",
      run: async ({ open }) => {
        const storage = await open();
        const { sessionId } = await savedSession(storage, 1, "s");
        await storage.deleteSession(sessionId);
        const others = rowOf(storage, "s", "1", OTHER_USER);
        await storage.replica.merge(facts([], ["s", others.id, OTHERS]));
        await failsWith(storage.saveMemoryAtom(logAtom("s", "late")), "not_found");
        await failsWith(storage.saveMemoryAtom({ ...logAtom("s", "mine"), userId: OTHER_USER }), "not_found");
        assert.ok((await tombstonesOf(storage, "s")).some(([id, owner]) => id === NIL_ID && owner === ownerOf(USER)));
      },
    },
    {
      title: "of a deleted session leaves out its owner's late atoms silently, and another user's are refused",
      run: async ({ open }) => {
        const storage = await open();
        await savedSession(storage, 1, "s");
        await storage.deleteSession("s");
        assert.deepEqual(await storage.replica.merge(facts([rowOf(storage, "s")])), { inserted: 0, removed: 0 });
        await failsWith(storage.replica.merge(facts([rowOf(storage, "s", "1", OTHER_USER)])), "permission");
        assert.deepEqual(await rowsOf(storage, "s"), []);
      },
    },
    {
      title: "without an owner, from before there were any, concerns everybody: nothing that it names comes back",
      run: async ({ open }) => {
        const storage = await open();
        const [first, second] = [rowOf(storage, "s"), ofOther(rowOf(storage, "t"))];
        await storage.replica.merge(
          facts([], ["s", first.id, UNKNOWN_OWNER], ["t", second.id, UNKNOWN_OWNER], ["u", NIL_ID, UNKNOWN_OWNER]),
        );
        assert.equal((await storage.replica.merge(facts([first, second]))).inserted, 0);
        await failsWith(storage.saveMemoryAtom(logAtom("u", "late")), "not_found");
        await failsWith(storage.saveMemoryAtom({ ...logAtom("u", "late"), userId: OTHER_USER }), "not_found");
        const session = await savedSession(storage, 2, "v");
        const [message] = session.history.messages();
        assert.equal((await storage.replica.merge(facts([], ["v", message?.id ?? "", UNKNOWN_OWNER]))).removed, 1);
        assert.deepEqual(await storedContents(storage, "v"), ["message 1"]);
        const { removed } = await storage.replica.merge(facts([], ["v", NIL_ID, UNKNOWN_OWNER]));
        assert.ok(removed > 0);
        assert.deepEqual(await tombstonesOf(storage, "v"), [[NIL_ID, UNKNOWN_OWNER]]);
      },
    },
    {
      title: "has a key with its owner: those of several users under one id stay apart, in pages too",
      run: async ({ open }) => {
        const storage = await open();
        const ids = [storage.clock.next(), storage.clock.next(), NIL_ID];
        const owners = [ownerOf(USER), OTHERS, ownerOf("user-3")];
        for (const owner of owners) {
          const given = ids.slice(0, 2).map((id): [string, string, string] => ["s", id, owner]);
          await storage.replica.merge(facts([], ...given));
        }
        await storage.replica.merge(facts([], ["s", NIL_ID, OTHERS]));
        const expected = [
          [NIL_ID, OTHERS] as [string, string],
          ...ids
            .slice(0, 2)
            .flatMap((id) => owners.filter((owner) => owner !== OTHERS).map((owner): [string, string] => [id, owner])),
        ].toSorted(byKey);
        assert.deepEqual(await tombstonesOf(storage, "s"), expected);
        const paged: [string, string][] = [];
        for (let after: { id: string; owner: string } | undefined; ;) {
          const [next] = await storage.replica.tombstonesAfter("s", after, 1);
          if (next === undefined) break;
          paged.push([next.id, next.owner]);
          after = next;
        }
        assert.deepEqual(paged, expected);
        const [digest] = await storage.replica.sessions({ after: "" }, 10);
        assert.equal(digest?.tombstoneCount, expected.length);
        const id = storage.clock.next();
        const together = [ownerOf(USER), OTHERS].toSorted();
        await storage.replica.merge(facts([], ...together.map((owner): [string, string, string] => ["t", id, owner])));
        assert.equal((await tombstonesOf(storage, "t")).length, 2);
      },
    },
    {
      title: "is copied with its owner, also where both stores name the same ids for different users",
      run: async ({ open }) => {
        const [source, target] = [await open(), await open()];
        const ids = [source.clock.next(), source.clock.next()];
        const of = (owner: string): [string, string, string][] => ids.map((id) => ["s", id, owner]);
        await source.replica.merge(facts([], ...of(ownerOf(USER))));
        await target.replica.merge(facts([], ...of(OTHERS)));
        await replicate(source, target);
        assert.equal((await tombstonesOf(target, "s")).length, 4);
        await replicate(target, source);
        assert.deepEqual(await collect(verify(source, target)), []);
      },
    },
    {
      title: "that is copied removes what its owner has in the target, and not what another user has there",
      run: async ({ open }) => {
        const [source, target] = [await open(), await open()];
        for (const sessionId of ["both", "theirs"]) {
          await savedSession(source, 2, sessionId);
          await source.deleteSession(sessionId);
        }
        await savedSession(target, 2, "both");
        await target.saveMemoryAtom({ ...logAtom("theirs", "stays"), userId: OTHER_USER });
        const { removed } = await replicate(source, target);
        assert.ok(removed >= 2);
        assert.equal(await target.loadSession("both"), null);
        assert.deepEqual(
          (await rowsOf(target, "theirs")).map(({ content }) => content),
          ['"stays"'],
        );
        assert.deepEqual(await replicate(source, target), { sessions: 1, copied: 0, removed: 0 });
      },
    },
  ],
};
