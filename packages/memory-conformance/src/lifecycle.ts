import assert from "node:assert/strict";
import { MemoryError } from "@rivet/memory-core";
import { collect, failsWith, logAtom, newSession, savedSession } from "./expectations.ts";
import type { Concern } from "./suite.ts";

export const lifecycle: Concern = {
  title: "a storage",
  cases: [
    {
      title: "opens again and again to the same effect",
      run: async ({ open }) => {
        const storage = await open();
        await savedSession(storage, 1, "s");
        assert.equal(await storage.open(), storage);
        assert.equal((await storage.listSessions()).length, 1);
      },
    },
    {
      title: "waits, when it closes, for what is in flight",
      run: async ({ open }) => {
        const storage = await open();
        let settled = 0;
        const saves = Array.from({ length: 10 }, (_, index) =>
          storage.saveMemoryAtom(logAtom("s", index)).finally(() => (settled += 1)),
        );
        await storage.close();
        // The results of the calls arrive in microtasks; one turn of the event loop runs them.
        await new Promise((resolve) => setImmediate(resolve));
        assert.equal(settled, saves.length, "close comes last");
        const results = await Promise.allSettled(saves);
        assert.deepEqual(
          results.map(({ status }) => status),
          saves.map(() => "fulfilled"),
        );
      },
    },
    {
      title: "keeps what was in flight when it closed",
      needs: "reopen",
      run: async ({ open, reopen }) => {
        const storage = await open();
        const saving = storage.saveMemoryAtom(logAtom("s", "in flight"));
        const again = await reopen(storage);
        await saving;
        assert.equal((await again.queryMemoryAtoms())[0]?.content, "in flight");
      },
    },
    {
      title: "is closed for good: every later call throws closed, and closing again does nothing",
      run: async ({ open }) => {
        const storage = await open();
        const session = await savedSession(storage, 1);
        const stream = storage.atoms();
        await Promise.all([storage.close(), storage.close()]);
        await storage.close();
        session.addUserMessage("late");
        const calls: Promise<unknown>[] = [
          storage.open(),
          session.save(),
          session.refresh(),
          storage.loadSession("s"),
          storage.deleteSession("s"),
          storage.listSessions(),
          storage.saveMemoryAtom(logAtom("s", 1)),
          storage.saveMemoryAtoms([logAtom("s", 1)]),
          storage.queryMemoryAtoms(),
          storage.deleteMemoryAtoms("s", [storage.clock.next()]),
          storage.deleteUser("u"),
          stream.next(),
          collect(storage.sessions()),
        ];
        for (const error of await Promise.all(calls.map((promise) => failsWith(promise, "closed")))) {
          assert.equal(error.retryable, false);
          assert.ok(error.operation);
        }
        assert.equal(session.unsavedCount, 1);
      },
    },
    {
      title: "says in every error which operation and backend it was, and for writes what was applied",
      run: async ({ open }) => {
        const storage = await open();
        await savedSession(storage, 1, "s");
        await storage.deleteSession("s");
        const error = await failsWith(newSession(storage, "s").save(), "not_found");
        assert.ok(error instanceof MemoryError);
        assert.equal(error.name, "MemoryError");
        assert.equal(error.operation, "saveSession");
        assert.ok(error.backend);
        assert.equal(error.outcome, "not_applied");
        const reading = await failsWith(storage.listSessions({ limit: 0 }), "invalid_input");
        assert.equal(reading.operation, "listSessions");
        assert.equal(reading.backend, error.backend);
        assert.equal(reading.outcome, undefined);
      },
    },
  ],
};
