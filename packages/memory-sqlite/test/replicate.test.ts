import { replicate, Session, verify, type Difference, type MemoryStorage, type RefusedCopy } from "@rivet/memory-core";
import { InMemoryStorage } from "@rivet/memory-inmemory";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryFile } from "./temporary-file.ts";

async function openFile(): Promise<SQLiteStorage> {
  const storage = new SQLiteStorage(await temporaryFile());
  onTestFinished(() => storage.close());
  return storage;
}

/** Sessions of so many messages each, and the atom that a new session begins with. */
async function fill(storage: MemoryStorage, sessions: number, messages: number): Promise<Session[]> {
  const filled: Session[] = [];
  for (let number = 0; number < sessions; number += 1) {
    const session = new Session({ userId: "ada", storage });
    for (let index = 0; index < messages; index += 1) session.addUserMessage(`message ${index}`);
    await session.save();
    filled.push(session);
  }
  return filled;
}

async function differences(left: MemoryStorage, right: MemoryStorage): Promise<Difference[]> {
  const found: Difference[] = [];
  for await (const difference of verify(left, right)) found.push(difference);
  return found;
}

describe("replicate", () => {
  it("goes on where it was interrupted", async () => {
    const [source, target] = [new InMemoryStorage(), await openFile()];
    await fill(source, 300, 9);
    const controller = new AbortController();
    const onProgress = ({ sessions }: { readonly sessions: number }): void => {
      if (sessions >= 100) controller.abort(new Error("enough for now"));
    };
    await expect(replicate(source, target, { signal: controller.signal, onProgress })).rejects.toThrow(
      "enough for now",
    );
    const left = await differences(source, target);
    expect(left.length).toBeGreaterThan(0);
    expect(left.length).toBeLessThan(3_000);
    expect((await replicate(source, target)).copied).toBe(left.length);
    expect(await differences(source, target)).toEqual([]);
  });

  it("reads no more of two stores that are nearly equal than what differs", async () => {
    const [source, target] = [new InMemoryStorage(), new InMemoryStorage()];
    const sessions = await fill(source, 1_000, 19);
    await replicate(source, target);
    for (const session of sessions.slice(0, 10)) {
      session.addUserMessage("one more");
      await session.save();
    }
    let reads = 0;
    class Counting extends InMemoryStorage {
      protected override async selectAtoms(...selection: Parameters<InMemoryStorage["selectAtoms"]>) {
        const rows = await super.selectAtoms(...selection);
        reads += rows.length;
        return rows;
      }
    }
    const counting = new Counting();
    await replicate(target, counting);
    reads = 0;
    expect(await replicate(source, counting)).toEqual({ sessions: 10, copied: 10, removed: 0 });
    expect(reads).toBeLessThan(200);
  });

  it("copies around what the target refuses, and says so", async () => {
    const [source, target] = [new InMemoryStorage(), await openFile()];
    await fill(source, 3, 5);
    const id = source.clock.next();
    const fact = { id, sessionId: "shared", userId: "ada", memoryType: "fact" };
    await source.saveMemoryAtom({ ...fact, content: "one" });
    await target.saveMemoryAtom({ ...fact, content: "another" });
    await source.saveMemoryAtom({ ...fact, id: source.clock.next(), content: "not disputed" });
    await target.saveMemoryAtom({ sessionId: "other", userId: "bob", memoryType: "fact", content: 1 });
    await source.saveMemoryAtom({ sessionId: "other", userId: "ada", memoryType: "fact", content: 1 });
    // An id that both have is the same to the digests; `verify` reads what is behind it.
    await expect(replicate(source, target)).rejects.toMatchObject({ code: "permission", operation: "replicate" });
    const refused: RefusedCopy[] = [];
    await replicate(source, target, { onRefused: (copy) => refused.push(copy) });
    expect(refused).toMatchObject([{ sessionId: "other", error: { code: "permission" } }]);
    expect(await differences(source, target)).toMatchObject([
      { sessionId: "other", kind: "atom", found: "only-right" },
      { sessionId: "other", kind: "atom", found: "only-left" },
      { sessionId: "shared", id, kind: "atom", found: "different" },
    ]);
  });
});

describe("verify", () => {
  it("reports what only one has, what differs, and what was deleted", async () => {
    const [left, right] = [await openFile(), new InMemoryStorage()];
    const [session] = await fill(left, 1, 2);
    await replicate(left, right);
    expect(await differences(left, right)).toEqual([]);
    const sessionId = session?.sessionId ?? "";
    const [first, second] = session?.history.messages() ?? [];
    await left.deleteMemoryAtoms(sessionId, [first?.id ?? ""]);
    await right.deleteSession(sessionId);
    expect(await differences(left, right)).toEqual([
      { sessionId, id: undefined, kind: "deletion", found: "only-right" },
      { sessionId, id: first?.id, kind: "deletion", found: "only-left" },
      { sessionId, id: expect.any(String), kind: "atom", found: "only-left" },
      { sessionId, id: second?.id, kind: "atom", found: "only-left" },
    ]);
  });
});
