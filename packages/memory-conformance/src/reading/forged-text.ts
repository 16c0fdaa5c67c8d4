import assert from "node:assert/strict";
import { MemoryError, type AtomRow, type Facts, type UnreadableAtom } from "@rivet/memory-core";
import { collect, failsWith, OTHER_USER, savedSession } from "../expectations.ts";
import type { AnyStorage, Concern } from "../suite.ts";

/**
 * An escape of the letter a, which this package never writes: decoded, the text would be the name of another session.
 */
const FORGED_A = "\u00100061";
const FORGED_JSON_A = "\\u00100061";

function rowOf(storage: AnyStorage, change: Partial<AtomRow> = {}): AtomRow {
  return {
    sessionId: "of-another",
    id: storage.clock.next(),
    userId: OTHER_USER,
    memoryType: "log",
    content: '"text"',
    metadata: "{}",
    createdAtMs: Date.UTC(2026, 0),
    expiresAtMs: null,
    ...change,
  };
}

/** Stores a row without the checks of the core. @returns whether the store accepted it. */
async function isForged(storage: AnyStorage, row: AtomRow): Promise<boolean> {
  try {
    await storage["mergeFacts"]({ rows: [row], tombstones: [] });
    return true;
  } catch (error) {
    if (MemoryError.isInstance(storage["toMemoryError"](error))) return false;
    throw error;
  }
}

export const forgedText: Concern = {
  title: "text with an escape that no string is stored with",
  cases: [
    {
      title: "is refused when facts of another store are merged, in every place where text can be",
      run: async ({ open }) => {
        const storage = await open();
        const tombstone = { sessionId: `${FORGED_A}lice`, id: storage.clock.next(), deletedAtMs: 0 };
        const { replica } = storage;
        const good = rowOf(storage, { sessionId: "good" });
        const refuse = async (facts: Facts): Promise<void> => {
          await failsWith(replica.merge(facts), "invalid_input");
        };
        for (const change of [
          { sessionId: `${FORGED_A}lices-contract` },
          { sessionId: "\u0010d83d\u0010de00" },
          { userId: `${FORGED_A}lice` },
          { memoryType: `${FORGED_A}log` },
          { content: `"${FORGED_JSON_A}"` },
          { content: `[{"${FORGED_JSON_A}":1}]` },
          { metadata: `{"key":"${FORGED_JSON_A}"}` },
          { metadata: `{"${FORGED_JSON_A}":1}` },
          { id: "0195a7c2-4f3e-4b10-8a55-3c0d9e6f1a20" },
        ]) {
          await refuse({ rows: [rowOf(storage, change), good], tombstones: [] });
        }
        assert.deepEqual(await collect(storage.sessions()), []);
        assert.equal((await replica.merge({ rows: [good], tombstones: [] })).inserted, 1);
        // Tombstones may have additional fields.
        await refuse({ rows: [], tombstones: [{ ...(await someTombstone(storage)), ...tombstone }] });
      },
    },
    {
      title:
        "is never shown as another's name where a store holds it: who deletes what is listed deletes nothing of others",
      run: async ({ open }) => {
        const seen: UnreadableAtom[] = [];
        const storage = await open({ onUnreadable: (atom) => seen.push(atom) });
        await savedSession(storage, 1, "alices-contract");
        const row = rowOf(storage, { sessionId: `${FORGED_A}lices-contract` });
        if (!(await isForged(storage, row))) return;
        const listed = await collect(storage.sessions({ userId: OTHER_USER }));
        assert.equal(listed.length, 1);
        assert.equal(listed[0]?.unreadable?.code, "corrupt");
        for (const { sessionId } of [...listed, ...(await storage.listSessions({ userId: OTHER_USER }))]) {
          assert.notEqual(sessionId, "alices-contract");
          assert.equal(await storage.deleteSession(sessionId), false);
        }
        const page = await storage.queryMemoryAtoms({ userId: OTHER_USER });
        assert.equal(page.length, 0);
        assert.equal(page.unreadable[0]?.error.code, "corrupt");
        assert.equal((await collect(storage.atoms({ userId: OTHER_USER }))).length, 0);
        assert.equal(seen.length, 2);
        assert.equal((await storage.loadSession("alices-contract"))?.history.length, 1);
        assert.equal((await storage.deleteUser(OTHER_USER)).atoms, 1);
        assert.deepEqual(
          (await collect(storage.sessions())).map(({ sessionId }) => sessionId),
          ["alices-contract"],
        );
      },
    },
    {
      title: "is no user's name: what is stored under it is not that user's",
      run: async ({ open }) => {
        const storage = await open({ onUnreadable: () => undefined });
        const row = rowOf(storage, { userId: `${FORGED_A}lice` });
        if (!(await isForged(storage, row))) return;
        assert.deepEqual(await collect(storage.sessions({ userId: "alice" })), []);
        for await (const { userId } of storage.sessions()) assert.notEqual(userId, "alice");
        await failsWith(storage.loadSession("of-another"), "corrupt");
        assert.equal((await storage.deleteUser("alice")).atoms, 0);
      },
    },
    {
      title: "in a message is reported beside the rest",
      run: async ({ open }) => {
        const storage = await open();
        const session = await savedSession(storage, 1, "s");
        const { userId } = session;
        const change = { sessionId: "s", userId, memoryType: "message_user", content: `"${FORGED_JSON_A}"` };
        if (!(await isForged(storage, rowOf(storage, change)))) return;
        const loaded = await storage.loadSession("s");
        assert.equal(loaded?.history.length, 1);
        assert.equal(loaded?.unreadable[0]?.error.code, "corrupt");
      },
    },
  ],
};

/** A tombstone with all fields of this version. */
async function someTombstone(storage: AnyStorage): Promise<Facts["tombstones"][number]> {
  const { sessionId } = await savedSession(storage, 1, "to-be-deleted");
  await storage.deleteSession(sessionId);
  const [tombstone] = await storage.replica.tombstonesAfter(sessionId, undefined, 1);
  assert.ok(tombstone);
  return tombstone;
}
