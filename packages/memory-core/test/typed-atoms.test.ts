import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, expectTypeOf, it } from "vitest";
import * as z from "zod";
import { MemoryError, type JsonValue, type MemoryAtom, type MemoryStorage, type NewMemoryAtom } from "../src/index.ts";
import { TinyStorage } from "./tiny-storage.ts";

const decision = z.object({ replace: z.string(), cost: z.number().optional(), decidedAt: z.coerce.date() });
const action = v.object({ step: v.pipe(v.string(), v.minLength(1)), done: v.optional(v.boolean(), false) });
const issue = type({ fault: "string", "count?": "number" });

function typedStorage(): TinyStorage<{ decision: typeof decision; action: typeof action; issue: typeof issue }> {
  return new TinyStorage({ atomTypes: { decision, action, issue } });
}

const ids = { sessionId: "s", userId: "ada" };
const decidedAt = "2025-03-04T00:00:00.000Z";

type Storage = ReturnType<typeof typedStorage>;
type Decision = { replace: string; cost?: number | undefined; decidedAt: Date };
type Action = { step: string; done: boolean };
type Issue = { fault: string; count?: number };

/** Type-checked, and never run. */
function typesOf(storage: Storage, untyped: MemoryStorage) {
  return {
    decisions: () => storage.queryMemoryAtoms({ memoryType: "decision" }),
    several: () => storage.queryMemoryAtoms({ memoryType: ["decision", "action"] }),
    others: () => storage.queryMemoryAtoms({ memoryType: "note" }),
    mixed: () => storage.queryMemoryAtoms({ memoryType: ["action", "note"] }),
    all: () => storage.queryMemoryAtoms(),
    untyped: () => untyped.queryMemoryAtoms({ memoryType: "decision" }),
    stream: () => storage.atoms({ memoryType: "decision" }),
    savedTogether: () =>
      storage.saveMemoryAtoms([
        { ...ids, memoryType: "action", content: { step: "measure" } },
        { ...ids, memoryType: "issue", content: { fault: "F0002" } },
      ]),
    savedFromList: (atoms: NewMemoryAtom[]) => untyped.saveMemoryAtoms(atoms),
    savedFromMap: () =>
      storage.saveMemoryAtoms(["a", "b"].map((step) => ({ ...ids, memoryType: "action" as const, content: { step } }))),
    saved: () => storage.saveMemoryAtom({ ...ids, memoryType: "action", content: { step: "measure" } }),
  };
}
type Types = ReturnType<typeof typesOf>;

describe("the types of typed atoms", () => {
  it("infer what a query returns from its memory type", () => {
    expectTypeOf<Types["decisions"]>().returns.resolves.items.toEqualTypeOf<MemoryAtom<"decision", Decision>>();
    expectTypeOf<Types["others"]>().returns.resolves.items.toEqualTypeOf<MemoryAtom<"note", JsonValue>>();
    expectTypeOf<Types["untyped"]>().returns.resolves.items.toEqualTypeOf<MemoryAtom<"decision", JsonValue>>();
  });

  it("infer a union from several memory types", () => {
    expectTypeOf<Types["several"]>().returns.resolves.items.toEqualTypeOf<
      MemoryAtom<"decision", Decision> | MemoryAtom<"action", Action>
    >();
    expectTypeOf<Types["mixed"]>().returns.resolves.items.toEqualTypeOf<
      MemoryAtom<"action", Action> | MemoryAtom<"note", JsonValue>
    >();
  });

  it("allow for the content of every schema when any type may come", () => {
    expectTypeOf<Types["all"]>().returns.resolves.items.toEqualTypeOf<
      MemoryAtom<string, JsonValue | Decision | Action | Issue>
    >();
  });

  it("infer what a stream gives and what a save returns", () => {
    expectTypeOf<Awaited<ReturnType<ReturnType<Types["stream"]>["next"]>>["value"]>()
      .extract<object>()
      .toEqualTypeOf<MemoryAtom<"decision", Decision>>();
    expectTypeOf<Types["saved"]>().returns.resolves.toEqualTypeOf<MemoryAtom<"action", Action>>();
    expectTypeOf<Types["savedTogether"]>().returns.resolves.items.toEqualTypeOf<
      MemoryAtom<"action", Action> | MemoryAtom<"issue", Issue>
    >();
    expectTypeOf<Types["savedFromList"]>().returns.resolves.items.toEqualTypeOf<MemoryAtom<string, JsonValue>>();
    expectTypeOf<Types["savedFromMap"]>().returns.resolves.items.toEqualTypeOf<MemoryAtom<"action", Action>>();
  });

  it("take the schema's input and refuse other content", () => {
    const storage = typedStorage();
    const refused = [
      // @ts-expect-error a field of another type
      () => storage.saveMemoryAtom({ ...ids, memoryType: "decision", content: { replace: 7, decidedAt } }),
      // @ts-expect-error a missing field
      () => storage.saveMemoryAtom({ ...ids, memoryType: "action", content: {} }),
      // @ts-expect-error no object at all
      () => storage.saveMemoryAtom({ ...ids, memoryType: "issue", content: "F0002" }),
      // @ts-expect-error the content of another type
      () => storage.saveMemoryAtoms([{ ...ids, memoryType: "action", content: { fault: "F0002" } }]),
      // @ts-expect-error no content
      () => storage.saveMemoryAtom({ ...ids, memoryType: "decision" }),
      // @ts-expect-error no session
      () => storage.saveMemoryAtom({ userId: "ada", memoryType: "note", content: {} }),
      // @ts-expect-error a memory type that is no string
      () => storage.queryMemoryAtoms({ memoryType: 7 }),
    ];
    expect(refused).toHaveLength(7);
  });
});

describe.each([
  ["Zod", "decision", { replace: "brake chopper", decidedAt }, { replace: 7, decidedAt }, "atom.content.replace"],
  ["Valibot", "action", { step: "measure" }, { step: "" }, "atom.content.step"],
  ["ArkType", "issue", { fault: "F0002" }, { fault: "F0002", count: "many" }, "atom.content.count"],
])("a schema of %s", (_, memoryType, good, bad, path) => {
  it("lets in what fits", async () => {
    const storage: MemoryStorage = untyped(typedStorage());
    const saved = await storage.saveMemoryAtom({ ...ids, memoryType, content: good });
    expect(await storage.queryMemoryAtoms({ memoryType })).toEqual([saved]);
  });

  it("refuses what does not, with its path, and stores nothing", async () => {
    const tiny = typedStorage();
    const saving = untyped(tiny).saveMemoryAtom({ ...ids, memoryType, content: bad });
    await expect(saving).rejects.toMatchObject({ code: "invalid_input", operation: "saveMemoryAtom", path });
    expect(tiny.rows).toEqual([]);
  });

  it("reports a stored row that no longer fits, and returns the others", async () => {
    const tiny = typedStorage();
    const before = new TinyStorage();
    const old = await before.saveMemoryAtom({ ...ids, memoryType, content: bad });
    const saved = await untyped(tiny).saveMemoryAtom({ ...ids, memoryType, content: good });
    tiny.rows.push(...before.rows);
    const atoms = await untyped(tiny).queryMemoryAtoms({ memoryType });
    expect(atoms).toEqual([saved]);
    expect(atoms.unreadable).toMatchObject([
      { id: old.id, contentText: JSON.stringify(bad), error: { code: "schema", atomId: old.id, sessionId: "s" } },
    ]);
  });
});

/** The same storage without what its types know, so that a test may save what does not fit. */
function untyped(storage: Storage): MemoryStorage {
  return storage;
}

describe("a typed storage", () => {
  it("stores the schema's input and returns its output", async () => {
    const storage = typedStorage();
    const saved = await storage.saveMemoryAtom({
      ...ids,
      memoryType: "decision",
      content: { replace: "brake chopper", decidedAt: new Date(decidedAt) },
    });
    expect(JSON.parse(storage.rows[0]?.content ?? "")).toEqual({ replace: "brake chopper", decidedAt });
    expect(saved.content.decidedAt).toEqual(new Date(decidedAt));
    const [read] = await storage.queryMemoryAtoms({ memoryType: "decision" });
    expect(read?.content.decidedAt).toEqual(new Date(decidedAt));
  });

  it("leaves atoms of other types as they are", async () => {
    const storage = typedStorage();
    await storage.saveMemoryAtom({ ...ids, memoryType: "note", content: ["anything"] });
    expect(await storage.queryMemoryAtoms({ memoryType: ["note", "decision"] })).toMatchObject([
      { content: ["anything"] },
    ]);
  });

  it("saves none of several atoms when one does not fit", async () => {
    const tiny = typedStorage();
    const atoms = [
      { ...ids, memoryType: "issue", content: { fault: "F0002" } },
      { ...ids, memoryType: "issue", content: { fault: 2 } },
    ];
    await expect(untyped(tiny).saveMemoryAtoms(atoms)).rejects.toMatchObject({ path: "atoms[1].content.fault" });
    expect(tiny.rows).toEqual([]);
  });

  it.each([
    ["a message type", { message_user: decision }, "atomTypes.message_user"],
    ["session metadata", { session_metadata: decision }, "atomTypes.session_metadata"],
    ["what is no schema", { decision: {} }, "atomTypes.decision"],
    ["null", { decision: null }, "atomTypes.decision"],
  ])("refuses a schema for %s", (_, atomTypes, path) => {
    // @ts-expect-error the point is an argument of another type
    const work = (): unknown => new TinyStorage({ atomTypes });
    expect(work).toThrow(MemoryError);
    expect(work).toThrow(expect.objectContaining({ code: "invalid_input", path }));
  });
});
