import {
  AtomClock,
  Session,
  type AtomRow,
  type AtomSelection,
  type SessionHead,
  type SessionRow,
  type SessionSelection,
} from "@rivet/memory-core";
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

  it("counts what a save clears as free for what the same save adds", async () => {
    await using storage = new InMemoryStorage({ maxAtoms: 3 });
    const session = new Session({ userId: "ada", storage });
    session.addUserMessage("1");
    session.addUserMessage("2");
    await session.save();
    session.clearHistory();
    for (const content of ["3", "4", "5"]) session.addUserMessage(content);
    await expect(session.save()).rejects.toMatchObject({ code: "unavailable" });
    expect((await storage.loadSession(session.sessionId))?.history.length).toBe(2);
    session.clearHistory();
    session.addUserMessage("6");
    session.addUserMessage("7");
    await session.save();
    const loaded = await storage.loadSession(session.sessionId);
    expect(loaded?.history.messages().map(({ content }) => content)).toEqual(["6", "7"]);
  });

  it("has room again after a user was deleted", async () => {
    await using storage = new InMemoryStorage({ maxAtoms: 2 });
    await storage.saveMemoryAtoms([log("s", 1), log("t", 2)]);
    expect(await storage.deleteUser("ada")).toMatchObject({ sessions: 2, atoms: 2 });
    await storage.saveMemoryAtoms([log("u", 3), log("v", 4)]);
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

/** The hooks as `MemoryStorage` calls them. */
class OpenHooks extends InMemoryStorage {
  async write(rows: readonly AtomRow[]): Promise<void> {
    await this.writeAtoms({ rows });
  }

  page(selection: AtomSelection): Promise<AtomRow[]> {
    return this.selectAtoms(selection);
  }

  heads(): Promise<SessionHead[]> {
    return this.selectHeads({ order: "session-id", limit: 10 });
  }
}

describe("close", () => {
  it("drops everything", async () => {
    const storage = new OpenHooks();
    await storage.saveMemoryAtom(log("s", 1));
    expect(await storage.heads()).toHaveLength(1);
    await storage.close();
    expect(await storage.heads()).toEqual([]);
    expect(await storage.page({ order: "newest-first", limit: 10 })).toEqual([]);
  });
});

describe("among 100,000 stored atoms", () => {
  const clock = new AtomClock();

  /** A row that tells when it is read. */
  function watched(sessionId: string, userId: string, memoryType: string, onRead: (row: AtomRow) => void): AtomRow {
    const row: AtomRow = {
      sessionId,
      id: clock.next(),
      userId,
      memoryType,
      content: "1",
      metadata: "{}",
      createdAtMs: 0,
      expiresAtMs: null,
    };
    return new Proxy(row, {
      get(target, property) {
        onRead(target);
        return Reflect.get(target, property);
      },
    });
  }

  async function filled(): Promise<{ storage: OpenHooks; read: Set<string> }> {
    const storage = new OpenHooks();
    const read = new Set<string>();
    const take = ({ id }: AtomRow): void => void read.add(id);
    const rowsOf = (sessionId: string, userId: string, count: number): AtomRow[] =>
      Array.from({ length: count }, (_, index) => watched(sessionId, userId, `type ${index % 4}`, take));
    await storage.write([...rowsOf("long", "ada", 60_000), ...rowsOf("other", "ada", 20_000)]);
    await storage.write(rowsOf("foreign", "bob", 20_000));
    read.clear();
    return { storage, read };
  }

  it("an append reads none of them", async () => {
    const { storage, read } = await filled();
    const session = await storage.loadSession("long", { lastMessages: 1 });
    read.clear();
    session?.addUserMessage("one more");
    await session?.save();
    await storage.saveMemoryAtom(log("long", 2));
    expect([...read]).toEqual([]);
  });

  it("a page reads none but its own", async () => {
    const { storage, read } = await filled();
    for (const order of ["newest-first", "oldest-first"] as const) {
      for (const filter of [{ sessionId: "long" }, { sessionId: "long", userId: "ada" }, { userId: "ada" }, {}]) {
        read.clear();
        const page = await storage.page({ ...filter, order, limit: 20 });
        const ids = new Set(page.map(({ id }) => id));
        expect(ids.size).toBe(20);
        expect([...read].filter((id) => !ids.has(id))).toEqual([]);
      }
    }
  });

  it("a page of someone else's session reads none", async () => {
    const { storage, read } = await filled();
    expect(await storage.page({ sessionId: "long", userId: "bob", order: "newest-first", limit: 20 })).toEqual([]);
    expect([...read]).toEqual([]);
  });
});

describe("a refresh", () => {
  it("finds no session that is deleted while it reads, and leaves the object as it was", async () => {
    class LagsAndLoses extends InMemoryStorage {
      behind: SessionRow | undefined;

      protected override async selectSession(selection: SessionSelection): Promise<SessionRow | undefined> {
        const { behind } = this;
        if (behind === undefined) return (this.behind = await super.selectSession(selection));
        await this.deleteSession(selection.sessionId);
        return behind;
      }
    }
    await using storage = new LagsAndLoses();
    const session = new Session({ userId: "ada", storage });
    session.addUserMessage("what the reader is given");
    await session.save();
    await storage.loadSession(session.sessionId);
    session.addUserMessage("what it is not");
    await session.save();
    await expect(session.refresh()).rejects.toMatchObject({ code: "not_found" });
    expect(session.history.length).toBe(2);
  });
});
