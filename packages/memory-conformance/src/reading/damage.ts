import assert from "node:assert/strict";
import type { UnreadableAtom } from "@rivet/memory-core";
import { collect, contents, failsWith, savedSession } from "../expectations.ts";
import type { Concern } from "../suite.ts";

export const damage: Concern = {
  title: "a damaged row",
  cases: [
    {
      title: "is corrupt, names its session and atom, keeps its text, and does not hide the rest",
      needs: "damage",
      run: async ({ open, damage: damageAtom }) => {
        const seen: UnreadableAtom[] = [];
        const storage = await open({ onUnreadable: (atom) => seen.push(atom) });
        const session = await savedSession(storage, 3, "s");
        const [first, second, third] = session.history.messages();
        assert.ok(first && second && third);
        const damaged = await damageAtom(storage, "s", second.id);

        const isReported = (unreadable: readonly UnreadableAtom[] | undefined): void => {
          assert.equal(unreadable?.length, 1);
          assert.equal(unreadable[0]?.id, second.id);
          assert.equal(unreadable[0]?.sessionId, "s");
          assert.equal(unreadable[0]?.error.code, "corrupt");
          assert.equal(unreadable[0]?.error.sessionId, "s");
          assert.equal(unreadable[0]?.error.atomId, second.id);
          assert.equal(unreadable[0]?.contentText, damaged);
        };
        const loaded = await storage.loadSession("s");
        assert.deepEqual(contents(loaded), ["message 0", "message 2"]);
        isReported(loaded?.unreadable);
        const page = await storage.queryMemoryAtoms({ sessionId: "s", limit: 2 });
        assert.deepEqual(
          page.map(({ id }) => id),
          [third.id, first.id],
        );
        isReported(page.unreadable);
        assert.equal((await collect(storage.atoms())).length, 3);
        assert.equal(seen.length, 3);
        assert.equal((await storage.listSessions())[0]?.messageCount, 3);

        loaded?.addUserMessage("message 3");
        assert.equal((await loaded?.save())?.written, 1);
        assert.equal(await storage.deleteMemoryAtoms("s", [second.id]), 1);
        isReported(seen.slice(0, 1));
        assert.deepEqual(contents(await storage.loadSession("s")), ["message 0", "message 2", "message 3"]);
      },
    },
    {
      title: "fails a stream at its end, after all that could be read, when nobody takes it",
      needs: "damage",
      run: async ({ open, damage: damageAtom }) => {
        const storage = await open();
        const session = await savedSession(storage, 3, "s");
        const second = session.history.messages()[1];
        assert.ok(second);
        await damageAtom(storage, "s", second.id);
        let count = 0;
        const error = await failsWith(
          (async () => {
            for await (const atom of storage.atoms()) count += atom.id === second.id ? 0 : 1;
          })(),
          "corrupt",
        );
        assert.equal(error.atomId, second.id);
        assert.equal(count, 3);
      },
    },
  ],
};
