import { InMemoryStorage } from "@rivet/memory-inmemory";
import { describe, expect, it } from "vitest";

function log(
  sessionId: string,
  content: number,
): { sessionId: string; userId: string; memoryType: string; content: number } {
  return { sessionId, userId: "ada", memoryType: "log", content };
}

describe("maxAtoms", () => {
  it("is off by default", async () => {
    await using storage = new InMemoryStorage();
    await storage.saveMemoryAtoms(Array.from({ length: 20_000 }, (_, index) => log("s", index)));
    expect(await storage.queryMemoryAtoms({ limit: 30_000 })).toHaveLength(20_000);
  });

  it("refuses the whole write that needs more, and loses nothing", async () => {
    await using storage = new InMemoryStorage({ maxAtoms: 3 });
    await storage.saveMemoryAtoms([log("s", 1), log("s", 2)]);
    await expect(storage.saveMemoryAtoms([log("s", 3), log("t", 4)])).rejects.toMatchObject({
      code: "unavailable",
      outcome: "not_applied",
      retryable: false,
      backend: "inmemory",
      message: expect.stringContaining("maxAtoms = 3"),
    });
    await storage.saveMemoryAtom(log("s", 3));
    expect((await storage.queryMemoryAtoms()).map(({ content }) => content)).toEqual([3, 2, 1]);
  });

  it("does not count a repeat, and counts what was deleted as free", async () => {
    await using storage = new InMemoryStorage({ maxAtoms: 2 });
    const first = await storage.saveMemoryAtom(log("s", 1));
    await storage.saveMemoryAtom(log("t", 2));
    await storage.saveMemoryAtom({ ...log("s", 1), id: first.id });
    await storage.deleteSession("t");
    await storage.saveMemoryAtom(log("s", 3));
    expect(await storage.queryMemoryAtoms()).toHaveLength(2);
  });

  it.each([0, -1, 1.5, Number.NaN, "10", null])("is refused when it is %j", (maxAtoms) => {
    expect(() => Reflect.construct(InMemoryStorage, [{ maxAtoms }])).toThrow(
      expect.objectContaining({ code: "invalid_input", path: "options.maxAtoms" }),
    );
  });
});

describe("two storages", () => {
  it("share nothing", async () => {
    await using one = new InMemoryStorage();
    await using other = new InMemoryStorage();
    await one.saveMemoryAtom(log("s", 1));
    expect(await other.listSessions()).toEqual([]);
  });
});
