import assert from "node:assert/strict";
import type { AtomTypes, UnreadableAtom } from "@rivet/memory-core";
import { collect, failsWith, logAtom } from "../expectations.ts";
import type { Concern } from "../suite.ts";

/** A schema as any library creates it: accepts `{ title: string }`, and adds the length of the title. */
const titled: AtomTypes[string] = {
  "~standard": {
    version: 1,
    vendor: "rivet-memory-conformance",
    validate: (value) => {
      const title: unknown = typeof value === "object" && value !== null && "title" in value ? value.title : undefined;
      if (typeof title === "string") return { value: { title, length: title.length } };
      return { issues: [{ message: "expected a string", path: ["title"] }] };
    },
  },
};

export const typedAtoms: Concern = {
  title: "typed atoms",
  cases: [
    {
      title: "are checked on the way in: what does not fit is refused with its path",
      run: async ({ open }) => {
        const storage = await open({ atomTypes: { issue: titled } });
        const atom = { ...logAtom("s", { title: 7 }), memoryType: "issue" };
        const error = await failsWith(storage.saveMemoryAtom(atom), "invalid_input");
        assert.equal(error.path, "atom.content.title");
        const fits = { ...atom, content: { title: "fits" } };
        const second = await failsWith(storage.saveMemoryAtoms([fits, atom]), "invalid_input");
        assert.equal(second.path, "atoms[1].content.title");
        assert.equal((await storage.queryMemoryAtoms()).length, 0);
        await storage.saveMemoryAtom({ ...atom, memoryType: "untyped" });
      },
    },
    {
      title: "come out as their schema gives them",
      run: async ({ open }) => {
        const storage = await open({ atomTypes: { issue: titled } });
        const saved = await storage.saveMemoryAtom({ ...logAtom("s", { title: "four" }), memoryType: "issue" });
        assert.deepEqual(saved.content, { title: "four", length: 4 });
        const [read] = await storage.queryMemoryAtoms({ memoryType: "issue" });
        assert.deepEqual(read, saved);
      },
    },
    {
      title: "that no longer fit are reported beside the rest, with their text, and never dropped",
      needs: "connect",
      run: async ({ open, connect }) => {
        const storage = await open({ atomTypes: { issue: titled } });
        const untyped = await connect(storage);
        const issues = [];
        for (const content of [{ title: "a" }, { name: "old" }, { title: "b" }, { title: "c" }]) {
          issues.push(await untyped.saveMemoryAtom({ ...logAtom("s", content), memoryType: "issue" }));
        }
        const page = await storage.queryMemoryAtoms({ memoryType: "issue", limit: 3 });
        assert.deepEqual(
          page.map(({ id }) => id),
          [issues[3]?.id, issues[2]?.id, issues[0]?.id],
        );
        assert.equal(page.unreadable.length, 1);
        const [bad] = page.unreadable;
        assert.equal(bad?.id, issues[1]?.id);
        assert.deepEqual(JSON.parse(bad?.contentText ?? ""), { name: "old" });
        assert.equal(bad?.error.code, "schema");
        assert.equal(bad?.error.atomId, bad?.id);

        const taken: UnreadableAtom[] = [];
        const streamed = await collect(storage.atoms({ onUnreadable: (atom) => taken.push(atom) }));
        assert.equal(streamed.length, 3);
        assert.equal(taken.length, 1);
        await failsWith(collect(storage.atoms()), "schema");
      },
    },
  ],
};
