import assert from "node:assert/strict";
import { collect, logAtom, savedSession, USER } from "../expectations.ts";
import type { Concern } from "../suite.ts";

export const streaming: Concern = {
  title: "streams",
  cases: [
    {
      title: "give every atom once, session by session, oldest first within each",
      run: async ({ open }) => {
        const storage = await open();
        for (let round = 0; round < 3; round++) {
          await storage.saveMemoryAtoms(
            Array.from({ length: 1_200 }, (_, index) => logAtom(`session ${index % 7}`, round * 1_200 + index)),
          );
        }
        const atoms = await collect(storage.atoms());
        assert.equal(atoms.length, 3_600);
        assert.equal(new Set(atoms.map(({ id }) => id)).size, 3_600);
        const sessionIds = atoms.map(({ sessionId }) => sessionId);
        const changes = sessionIds.filter((sessionId, index) => sessionId !== sessionIds[index - 1]);
        assert.equal(changes.length, 7);
        for (const [index, atom] of atoms.entries()) {
          const next = atoms[index + 1];
          if (next?.sessionId === atom.sessionId) assert.ok(atom.id < next.id);
        }
      },
    },
    {
      title: "are filtered by session, user and type",
      run: async ({ open }) => {
        const storage = await open();
        await savedSession(storage, 3, "a");
        await savedSession(storage, 2, "b");
        await storage.saveMemoryAtom({ ...logAtom("a", 1), memoryType: "decision" });
        assert.equal((await collect(storage.atoms({ sessionId: "a" }))).length, 5);
        assert.equal((await collect(storage.atoms({ sessionId: "none" }))).length, 0);
        assert.equal((await collect(storage.atoms({ userId: USER }))).length, 8);
        assert.equal((await collect(storage.atoms({ memoryType: "decision" }))).length, 1);
        assert.equal((await collect(storage.atoms({ memoryType: ["message_user", "decision"] }))).length, 6);
      },
    },
    {
      title: "hold all that was there at the start while others append and delete",
      run: async ({ open }) => {
        const storage = await open();
        for (const sessionId of ["a", "b", "c"]) await savedSession(storage, 700, sessionId);
        const seen = new Map<string, number>();
        for await (const atom of storage.atoms()) {
          seen.set(atom.sessionId, (seen.get(atom.sessionId) ?? 0) + 1);
          if (seen.size === 1 && seen.get(atom.sessionId) === 1) {
            await storage.saveMemoryAtom(logAtom("b", "meanwhile"));
            await storage.saveMemoryAtom(logAtom("d", "meanwhile"));
            await storage.deleteSession("c");
          }
        }
        assert.equal(seen.get("a"), 701);
        assert.ok((seen.get("b") ?? 0) >= 701);
        assert.equal(seen.get("c"), undefined);
      },
    },
    {
      title: "may be left early, and the storage goes on",
      run: async ({ open }) => {
        const storage = await open();
        await savedSession(storage, 50);
        for await (const atom of storage.atoms()) {
          assert.ok(atom.id);
          break;
        }
        await storage.saveMemoryAtom(logAtom("s", 1));
      },
    },
  ],
};
