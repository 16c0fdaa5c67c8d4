import assert from "node:assert/strict";
import { MemoryError, type MemoryErrorCode, type Session } from "@rivet/memory-core";
import { logAtom, newSession, savedSession, storedContents } from "../expectations.ts";
import type { AnyStorage, Case, Concern } from "../suite.ts";

const RACERS = 10;

interface Race {
  readonly title: string;
  /** Both storages use the same data; they may be the same object. */
  readonly run: (left: AnyStorage, right: AnyStorage) => Promise<void>;
}

const RACES: readonly Race[] = [
  {
    title: "save under ifUnchanged: one gets through, the others conflict",
    run: async (left, right) => {
      const { sessionId } = await savedSession(left, 1);
      const sessions: Session[] = [];
      for (const storage of racers(left, right)) {
        const session = await storage.loadSession(sessionId);
        assert.ok(session);
        sessions.push(session);
      }
      const saves = sessions.map((session, index) => {
        session.addUserMessage(`message of ${index}`);
        return session.save({ ifUnchanged: true });
      });
      const winner = await oneOf(saves, "conflict");
      assert.deepEqual(await storedContents(left, sessionId), ["message 0", `message of ${winner}`]);
      assert.deepEqual(
        sessions.map(({ unsavedCount }) => unsavedCount),
        sessions.map((_, index) => (index === winner ? 0 : 1)),
      );
    },
  },
  {
    title: "write other contents under one id: one stays, the others conflict",
    run: async (left, right) => {
      const id = left.clock.next();
      const saves = racers(left, right).map((storage, index) =>
        storage.saveMemoryAtom({ ...logAtom("s", `content of ${index}`), id }),
      );
      const winner = await oneOf(saves, "conflict");
      const stored = await right.queryMemoryAtoms({ sessionId: "s" });
      assert.deepEqual(
        stored.map(({ content }) => content),
        [`content of ${winner}`],
      );
    },
  },
  {
    title: "take one session id for several users: one owns it, the others are refused",
    run: async (left, right) => {
      const saves = racers(left, right).map((storage, index) =>
        storage.saveMemoryAtom({ ...logAtom("s", index), userId: `user ${index}` }),
      );
      const winner = await oneOf(saves, "permission");
      assert.deepEqual(
        (await left.listSessions()).map(({ userId }) => userId),
        [`user ${winner}`],
      );
      assert.equal((await right.queryMemoryAtoms()).length, 1);
    },
  },
  {
    title: "append while the session is deleted: nothing is left of it",
    run: async (left, right) => {
      const { sessionId } = await savedSession(left, 1);
      const append = (storage: AnyStorage, index: number): Promise<unknown> =>
        storage.saveMemoryAtom(logAtom(sessionId, index));
      const storages = racers(left, right);
      const early = storages.map(append);
      const deleting = right.deleteSession(sessionId);
      const late = storages.map(append);
      const results = await Promise.allSettled([...early, ...late]);
      assert.equal(await deleting, true);
      for (const result of results) if (result.status === "rejected") assertCode(result.reason, "not_found");
      assert.equal((await left.queryMemoryAtoms({ sessionId })).length, 0);
      assert.deepEqual(await left.listSessions(), []);
      await assert.rejects(newSession(left, sessionId).save(), { code: "not_found" });
    },
  },
];

export const races: Concern = {
  title: "writers that race",
  cases: RACES.flatMap(({ title, run }): Case[] => [
    {
      title: `on one storage, and ${title}`,
      run: async ({ open }) => {
        const storage = await open();
        await run(storage, storage);
      },
    },
    {
      title: `on two storages, and ${title}`,
      needs: "connect",
      run: async ({ open, connect }) => {
        const storage = await open();
        await run(storage, await connect(storage));
      },
    },
  ]),
};

function racers(left: AnyStorage, right: AnyStorage): AnyStorage[] {
  return Array.from({ length: RACERS }, (_, index) => (index % 2 === 0 ? left : right));
}

/**
 * Checks that exactly one of the writes succeeds and the others fail with the code. @returns the index of the
 * successful write.
 */
async function oneOf(writes: readonly Promise<unknown>[], code: MemoryErrorCode): Promise<number> {
  const results = await Promise.allSettled(writes);
  for (const result of results) if (result.status === "rejected") assertCode(result.reason, code);
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1, "one write succeeds");
  return results.findIndex(({ status }) => status === "fulfilled");
}

function assertCode(error: unknown, code: MemoryErrorCode): void {
  assert.ok(MemoryError.isInstance(error), `expected a MemoryError of code ${code}, got ${String(error)}`);
  assert.equal(error.code, code, error.message);
}
