import assert from "node:assert/strict";
import { compareBytes, NIL_ID, replicate, verify } from "@rivet/memory-core";
import {
  collect,
  contents,
  facts,
  failsWith,
  logAtom,
  OTHER_USER,
  rowOf,
  rowsOf,
  savedSession,
  storedContents,
} from "./expectations.ts";
import type { AnyStorage, Concern } from "./suite.ts";

/** Text that sorts differently by UTF-16 units and by UTF-8 bytes. */
const ODD_NAMES = ["a\u{1f600}", "a\uffee", "a", "b'\"\\", "ü"];

/** All differences between two storages. */
function differences(left: AnyStorage, right: AnyStorage): Promise<unknown[]> {
  return collect(verify(left, right));
}

/** The heads of a storage's sessions, as far as they are visible to users. */
async function heads(storage: AnyStorage): Promise<unknown[]> {
  const sessions = await collect(storage.sessions());
  return sessions.toSorted((left, right) => (left.sessionId < right.sessionId ? -1 : 1));
}

/** Fills a storage with every kind of fact that replication copies. */
async function fill(storage: AnyStorage, prefix: string): Promise<void> {
  for (const name of ODD_NAMES) {
    const session = await savedSession(storage, 3, `${prefix}${name}`);
    session.setMetadata("plant", name);
    await session.save();
    session.setMetadata("plant", `${name}!`);
    session.deleteMetadata("none");
    await session.save();
    const [kept, gone] = await storage.saveMemoryAtoms([
      logAtom(session.sessionId, { kept: true }),
      logAtom(session.sessionId, "gone"),
    ]);
    assert.ok(kept && gone);
    await storage.deleteMemoryAtoms(session.sessionId, [gone.id]);
  }
  await savedSession(storage, 2, `${prefix}deleted`);
  await storage.deleteSession(`${prefix}deleted`);
  const cleared = await savedSession(storage, 2, `${prefix}cleared`);
  cleared.clearHistory();
  await cleared.save();
}

export const replication: Concern = {
  title: "replication",
  cases: [
    {
      title: "copies everything, deletions too, and nothing the second time",
      run: async ({ open }) => {
        const [source, target] = [await open(), await open()];
        await fill(source, "");
        assert.notDeepEqual(await differences(source, target), []);
        assert.ok((await replicate(source, target)).copied > 0);
        assert.deepEqual(await differences(source, target), []);
        assert.deepEqual(await heads(target), await heads(source));
        assert.deepEqual(await replicate(source, target), { sessions: 0, copied: 0, removed: 0 });
        await failsWith(target.saveMemoryAtom(logAtom("deleted", "too late")), "not_found");
      },
    },
    {
      title: "tells how far a comparison is, deletions included",
      run: async ({ open }) => {
        const [storage, other] = [await open(), await open()];
        const session = await savedSession(storage, 3);
        const [first] = session.history.messages();
        await storage.deleteMemoryAtoms(session.sessionId, [first?.id ?? ""]);
        await savedSession(other, 1);
        const seen: unknown[] = [];
        await collect(verify(storage, other, { onProgress: (progress) => seen.push(progress) }));
        // Two messages, their session's metadata and a deletion; a message and its session's metadata.
        assert.deepEqual(
          seen
            .map((progress) => JSON.stringify(progress))
            .toSorted()
            .at(-1),
          '{"sessions":2,"facts":6}',
        );
      },
    },
    {
      title: "merges two storages that went on apart",
      run: async ({ open }) => {
        const [left, right] = [await open(), await open()];
        const session = await savedSession(left, 3, "shared");
        await replicate(left, right);
        const other = await right.loadSession("shared");
        assert.ok(other);
        other.addUserMessage("from the right");
        other.setMetadata("side", "right");
        await other.save();
        session.addUserMessage("from the left");
        await session.save();
        const [first] = session.history.messages();
        assert.ok(first);
        await left.deleteMemoryAtoms("shared", [first.id]);
        await fill(left, "left ");
        await fill(right, "right ");
        await replicate(left, right);
        await replicate(right, left);
        assert.deepEqual(await differences(left, right), []);
        assert.deepEqual(await heads(left), await heads(right));
        const texts = await storedContents(right, "shared");
        assert.deepEqual(texts.slice(0, 2), ["message 1", "message 2"]);
        assert.deepEqual(texts.slice(2).toSorted(), ["from the left", "from the right"]);
      },
    },
    {
      title: "takes facts once, however often they come",
      run: async ({ open }) => {
        const storage = await open();
        const rows = [rowOf(storage, "s"), rowOf(storage, "s")];
        assert.deepEqual(await storage.replica.merge(facts(rows)), { inserted: 2, removed: 0 });
        assert.deepEqual(await storage.replica.merge(facts(rows)), { inserted: 0, removed: 0 });
        assert.equal((await rowsOf(storage, "s")).length, 2);
        assert.equal((await storage.listSessions())[0]?.lastAtomId, rows[1]?.id);
      },
    },
    {
      title: "keeps out an atom whose tombstone came first, and lets the session go on",
      run: async ({ open }) => {
        const storage = await open();
        const [gone, kept] = [rowOf(storage, "s"), rowOf(storage, "s")];
        await storage.replica.merge(facts([], ["s", gone.id]));
        assert.deepEqual(await storage.replica.merge(facts([gone, kept])), { inserted: 1, removed: 0 });
        await storage.saveMemoryAtom(logAtom("s", "new"));
        assert.deepEqual(
          (await rowsOf(storage, "s")).map(({ content }) => content),
          ['"late"', '"new"'],
        );
      },
    },
    {
      title: "removes what a tombstone names, in one step with what comes along",
      run: async ({ open }) => {
        const storage = await open();
        const session = await savedSession(storage, 3, "s");
        const [first] = session.history.messages();
        assert.ok(first);
        assert.deepEqual(await storage.replica.merge(facts([rowOf(storage, "s")], ["s", first.id])), {
          inserted: 1,
          removed: 1,
        });
        assert.deepEqual(await storedContents(storage, "s"), ["message 1", "message 2"]);
        assert.equal((await storage.listSessions())[0]?.messageCount, 2);
      },
    },
    {
      title: "removes a deleted session for good, also one that is not there yet",
      run: async ({ open }) => {
        const storage = await open();
        await savedSession(storage, 3, "there");
        const { removed } = await storage.replica.merge(facts([], ["not yet", NIL_ID], ["there", NIL_ID]));
        assert.ok(removed >= 3);
        const late = [rowOf(storage, "not yet"), rowOf(storage, "there")];
        assert.deepEqual(await storage.replica.merge(facts(late)), { inserted: 0, removed: 0 });
        assert.deepEqual(await heads(storage), []);
        await failsWith(storage.saveMemoryAtom(logAtom("not yet", 1)), "not_found");
        assert.deepEqual(
          (await storage.replica.tombstonesAfter("there", undefined, 10)).map(({ id }) => id),
          [NIL_ID],
        );
      },
    },
    {
      title: "refuses other content under an id, and another user's session, and takes nothing of that call",
      run: async ({ open }) => {
        const storage = await open();
        const row = rowOf(storage, "s");
        await storage.replica.merge(facts([row]));
        const more = rowOf(storage, "s");
        const other = { ...row, content: '"other"' };
        await failsWith(storage.replica.merge(facts([other, more])), "conflict");
        const foreign = facts([rowOf(storage, "s", "1", OTHER_USER)], ["s", storage.clock.next()]);
        await failsWith(storage.replica.merge(foreign), "permission");
        assert.deepEqual(await storage.replica.tombstonesAfter("s", undefined, 10), []);
        assert.deepEqual(
          (await rowsOf(storage, "s")).map(({ id }) => id),
          [row.id],
        );
      },
    },
    {
      title: "digests say what is held, in whatever order it came, and change with all of it",
      run: async ({ open }) => {
        const [left, right] = [await open(), await open()];
        const rows = ODD_NAMES.toSorted(compareBytes).flatMap((name) => [rowOf(left, name), rowOf(left, name)]);
        await left.replica.merge(facts(rows));
        for (const row of rows.toReversed()) await right.replica.merge(facts([row]));
        const digests = async (): Promise<unknown[]> =>
          Promise.all([left, right].map(({ replica }) => replica.rangesAfter("", 2, 10)));
        const [ofLeft, ofRight] = await digests();
        assert.deepEqual(ofLeft, ofRight);
        assert.equal((ofLeft as unknown[]).length, 3);
        const [first] = rows;
        assert.ok(first);
        await right.replica.merge(facts([], [first.sessionId, right.clock.next()]));
        const [before, after] = await digests();
        assert.notDeepEqual(before, after);
      },
    },
    {
      title: "pages neither skip nor repeat, in the order of UTF-8 bytes",
      run: async ({ open }) => {
        const storage = await open();
        await storage.replica.merge(facts(ODD_NAMES.toSorted(compareBytes).map((name) => rowOf(storage, name))));
        const names: string[] = [];
        for (;;) {
          const [next] = await storage.replica.sessions({ after: names.at(-1) ?? "" }, 1);
          if (next === undefined) break;
          names.push(next.sessionId);
        }
        assert.deepEqual(names, ODD_NAMES.toSorted(compareBytes));
      },
    },
    {
      title: "leaves a session object what it has saved, when it is refreshed",
      run: async ({ open }) => {
        const storage = await open();
        const session = await savedSession(storage, 3, "s");
        const [first] = session.history.messages();
        assert.ok(first);
        await storage.deleteMemoryAtoms("s", [first.id]);
        await session.refresh();
        assert.deepEqual(contents(session), ["message 1", "message 2"]);
        assert.deepEqual(session.completeness, { isComplete: true, unreachable: [] });
      },
    },
  ],
};
