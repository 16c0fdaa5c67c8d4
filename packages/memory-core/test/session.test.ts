import { inspect } from "node:util";
import fc from "fast-check";
import { validate, version } from "uuid";
import { describe, expect, it } from "vitest";
import { judgeAtomId } from "../src/atom/atom-id.ts";
import { AtomClock, isAtomId, MemoryError, NIL_ID, Session, type JsonValue, type SessionData } from "../src/index.ts";
import { parseJson } from "../src/json/parse-json.ts";
import { TinyStorage } from "./tiny-storage.ts";

const anyText = fc.string({ unit: "binary" }).map((text) => `${text}\0\ud800\u0010`);
const anyMetadata = fc.dictionary(anyText, fc.jsonValue()) as fc.Arbitrary<Record<string, JsonValue>>;
const anyStep = fc.oneof(
  anyText.map((text) => (session: Session) => void session.addUserMessage(text)),
  fc.tuple(anyText, anyMetadata).map(([text, metadata]) => (session: Session) => {
    session.addAssistantMessage([{ type: "text", text }], metadata);
  }),
  fc.jsonValue().map((value) => (session: Session) => {
    const output = { type: "json" as const, value };
    session.addToolMessage([{ type: "tool-result", toolCallId: "a", toolName: "read", output }]);
  }),
  fc.tuple(fc.constantFrom("a", "b", "__proto__"), fc.jsonValue()).map(([key, value]) => (session: Session) => {
    session.setMetadata(key, value);
  }),
  fc.constantFrom("a", "b", "__proto__").map((key) => (session: Session) => session.deleteMetadata(key)),
  fc.constant((session: Session) => session.clearHistory()),
);

function copyOf(session: Session): Session {
  const data = parseJson(JSON.stringify(session), 2_000);
  // @ts-expect-error what was parsed may be anything
  return Session.fromJSON(data);
}

describe("a new session", () => {
  it("has an id of its own, of the form session_ and a UUIDv7", () => {
    const { sessionId } = new Session({ userId: "ada" });
    const [prefix, id = ""] = sessionId.split("_");
    expect(prefix).toBe("session");
    expect(validate(id) && version(id)).toBe(7);
    expect(new Session({ userId: "ada" }).sessionId).not.toBe(sessionId);
    expect(new Session({ userId: "ada", sessionId: "mine" }).sessionId).toBe("mine");
  });

  it("counts as one unsaved atom, its initial metadata", () => {
    const session = new Session({ userId: "ada", metadata: { site: "Hamburg" } });
    expect(session.unsavedCount).toBe(1);
    expect(session.metadata).toEqual({ site: "Hamburg" });
    expect(session.history).toHaveLength(0);
    expect(session.unreadable).toEqual([]);
  });

  it("was last active when it was last added to", () => {
    const before = Date.now();
    const session = new Session({ userId: "ada" });
    const { createdAt } = session.addUserMessage("one");
    expect(session.createdAt.getTime()).toBeGreaterThanOrEqual(before);
    expect(session.lastActive).toEqual(createdAt);
    session.createdAt.setTime(0);
    expect(session.createdAt.getTime()).toBeGreaterThanOrEqual(before);
  });
});

describe("a message that is added", () => {
  it("is returned as it is held, with the role of its method", () => {
    const session = new Session({ userId: "ada" });
    const messages = [
      session.addSystemMessage("Be brief."),
      session.addUserMessage("one", { channel: "phone" }),
      session.addAssistantMessage("two"),
      session.addToolMessage("three", { toolCallId: "a" }),
    ];
    expect([...session.history]).toEqual(messages);
    expect(messages.map(({ role }) => role)).toEqual(["system", "user", "assistant", "tool"]);
    expect(messages.map(({ metadata }) => metadata)).toEqual([{}, { channel: "phone" }, {}, { toolCallId: "a" }]);
    expect(messages.every(({ id }) => isAtomId(id))).toBe(true);
    expect(messages.map(({ id }) => id)).toEqual(messages.map(({ id }) => id).toSorted());
    expect(session.unsavedCount).toBe(5);
  });

  it("is frozen to its depth, and does not change with what was given", () => {
    const session = new Session({ userId: "ada" });
    const part = { type: "text" as const, text: "one" };
    const metadata = { tags: ["a"] };
    const message = session.addUserMessage([part], metadata);
    part.text = "two";
    metadata.tags.push("b");
    expect(message.content).toEqual([{ type: "text", text: "one" }]);
    expect(message.metadata).toEqual({ tags: ["a"] });
    expect(Object.isFrozen(message)).toBe(true);
    expect(Object.isFrozen(message.content)).toBe(true);
    expect(Object.isFrozen(message.metadata["tags"])).toBe(true);
    expect(() => Object.assign(message, { role: "system" })).toThrow(TypeError);
  });

  it("is among the recent ones, of which there are ten by default", () => {
    const session = new Session({ userId: "ada" });
    const messages = Array.from({ length: 12 }, (_, index) => session.addUserMessage(`${index}`));
    expect(session.getRecentMessages()).toEqual(messages.slice(-10));
    expect(session.getRecentMessages(2)).toEqual(messages.slice(-2));
    expect(session.getRecentMessages(100)).toEqual(messages);
    expect(() => session.getRecentMessages(0)).toThrow(MemoryError);
  });

  it("is gone after clearHistory, and metadata stay", () => {
    const session = new Session({ userId: "ada", metadata: { a: 1 } });
    session.addUserMessage("one");
    session.clearHistory();
    expect(session.history).toHaveLength(0);
    expect(session.metadata).toEqual({ a: 1 });
    expect(session.unsavedCount).toBe(1);
  });
});

describe("metadata", () => {
  it("are set, read and deleted by key", () => {
    const session = new Session({ userId: "ada", metadata: { a: 1 } });
    session.setMetadata("b", { at: new Date(0) });
    expect(session.metadata).toEqual({ a: 1, b: { at: "1970-01-01T00:00:00.000Z" } });
    session.deleteMetadata("a");
    session.deleteMetadata("unknown");
    expect(session.getMetadata("a")).toBeUndefined();
    expect(session.getMetadata("a", "none")).toBe("none");
    expect(session.metadata).toEqual({ b: { at: "1970-01-01T00:00:00.000Z" } });
  });

  it("may be null, which is not the same as missing", () => {
    const session = new Session({ userId: "ada", metadata: { a: null } });
    expect(session.getMetadata("a", "none")).toBeNull();
  });

  it("are a frozen copy", () => {
    const session = new Session({ userId: "ada", metadata: { a: 1 } });
    const { metadata } = session;
    expect(Object.isFrozen(metadata)).toBe(true);
    session.setMetadata("a", 2);
    expect(metadata).toEqual({ a: 1 });
  });

  it("count as one unsaved atom, however many keys have changed", () => {
    const session = new Session({ userId: "ada" });
    session.setMetadata("a", 1);
    session.setMetadata("b", 2);
    session.deleteMetadata("a");
    expect(session.unsavedCount).toBe(2);
  });

  it("have any key but an empty or over-long one", () => {
    const session = new Session({ userId: "ada" });
    session.setMetadata("__proto__", { admin: true });
    expect(Object.keys(session.metadata)).toEqual(["__proto__"]);
    expect("admin" in session.metadata).toBe(false);
    expect(() => session.setMetadata("", 1)).toThrow(MemoryError);
    expect(() => session.setMetadata("x".repeat(513), 1)).toThrow(MemoryError);
    expect(() => session.setMetadata("a", { b: 1n })).toThrow(/^metadata\.a\.b /);
  });

  it("stay unsaved when their atom is too large to be written", () => {
    const session = new Session({ userId: "ada" });
    session.setMetadata("a", "x".repeat(9 * 1024 * 1024));
    session.setMetadata("b", "x".repeat(9 * 1024 * 1024));
    expect(() => session.toJSON()).toThrow(/maxAtomBytes/);
    expect(session.unsavedCount).toBe(2);
    session.deleteMetadata("b");
    expect(copyOf(session).unsavedCount).toBe(2);
  });
});

describe("a session as JSON", () => {
  it("is the same session again, unsaved work included", () => {
    fc.assert(
      fc.property(anyText, anyMetadata, fc.array(anyStep, { maxLength: 8 }), (name, metadata, steps) => {
        const userId = name.replaceAll("\0", "");
        const session = new Session({ userId, sessionId: `s${userId}`, metadata });
        for (const step of steps) step(session);
        const copy = copyOf(session);
        expect(copy.toJSON()).toEqual(session.toJSON());
        expect([...copy.history]).toEqual([...session.history]);
        expect(copy.metadata).toEqual(session.metadata);
        expect(copy.unsavedCount).toBe(session.unsavedCount);
        expect([copy.sessionId, copy.userId]).toEqual([session.sessionId, session.userId]);
        expect([copy.createdAt, copy.lastActive]).toEqual([session.createdAt, session.lastActive]);
      }),
      { numRuns: 200 },
    );
  });

  it("goes on after the last message that was written, also where the clock is an hour late", () => {
    const session = new Session({ userId: "ada" });
    const first = session.addUserMessage("one");
    const lateStorage = new TinyStorage({ clock: new AtomClock({ now: () => Date.now() - 3_600_000 }) });
    const second = Session.fromJSON(session.toJSON(), lateStorage).addAssistantMessage("two");
    expect(second.id > first.id).toBe(true);
  });

  it("holds frozen messages after it was read", () => {
    const session = new Session({ userId: "ada" });
    session.addUserMessage([{ type: "text", text: "one" }], { tags: ["a"] });
    const [message] = copyOf(session).history;
    expect(Object.isFrozen(message) && Object.isFrozen(message?.content)).toBe(true);
    expect(Object.isFrozen(message?.metadata["tags"])).toBe(true);
  });

  it("may hold values as deep as any", () => {
    let deep: JsonValue = [];
    for (let level = 1; level < 1_000; level++) deep = [deep];
    const session = new Session({ userId: "ada" });
    session.setMetadata("deep", deep);
    expect(copyOf(session).toJSON()).toEqual(session.toJSON());
  });

  it.each<[path: string, change: (data: SessionData) => unknown]>([
    ["data", () => null],
    ["data", () => "{}"],
    ["data.sessionId", ({ sessionId: _, ...data }) => data],
    ["data.userId", (data) => ({ ...data, userId: "" })],
    ["data.createdAt", (data) => ({ ...data, createdAt: "yesterday" })],
    ["data.lastActive", (data) => ({ ...data, lastActive: 0 })],
    ["data.metadata", (data) => ({ ...data, metadata: [] })],
    ["data.messages", (data) => ({ ...data, messages: {} })],
    ["data.messages[0]", (data) => ({ ...data, messages: ["one"] })],
    ["data.messages[0].role", (data) => ({ ...data, messages: [{ ...data.messages[0], role: "robot" }] })],
    ["data.messages[0].id", (data) => ({ ...data, messages: [{ ...data.messages[0], id: "1" }] })],
    ["data.messages[0].content", (data) => ({ ...data, messages: [{ ...data.messages[0], content: 1 }] })],
    ["data.messages[0].metadata", (data) => ({ ...data, messages: [{ ...data.messages[0], metadata: null }] })],
    ["data.messages[0].createdAt", (data) => ({ ...data, messages: [{ ...data.messages[0], createdAt: "" }] })],
    ["data.unsaved", ({ unsaved: _, ...data }) => data],
    ["data.unsaved.atoms", (data) => ({ ...data, unsaved: { ...data.unsaved, atoms: null } })],
    ["data.unsaved.historyXor", (data) => ({ ...data, unsaved: { ...data.unsaved, historyXor: 0 } })],
    ["data.unsaved.loadedFromId", (data) => ({ ...data, unsaved: { ...data.unsaved, loadedFromId: "1" } })],
    ["data.unsaved.clearThroughId", (data) => ({ ...data, unsaved: { ...data.unsaved, clearThroughId: "1" } })],
    ["data.unsaved.atoms[0].content.set", (data) => withAtom(data, { content: {} })],
    ["data.unsaved.atoms[0].content", (data) => withAtom(data, { memoryType: "message_user" })],
    ["data.unsaved.atoms[0].memoryType", (data) => withAtom(data, { memoryType: "decision" })],
    ["data.unsaved.atoms[0].id", (data) => withAtom(data, { id: "1" })],
    ["data.createdAt", (data) => ({ ...data, createdAt: "2025" })],
    ["data.messages[0].id", (data) => ({ ...data, messages: [{ ...data.messages[0], id: FARTHEST_ID }] })],
    ["data.unsaved.atoms[0].id", (data) => withAtom(data, { id: FARTHEST_ID })],
    ["data.unsaved.loadedFromId", (data) => withUnsaved(data, { loadedFromId: FARTHEST_ID })],
    ["data.unsaved.clearThroughId", (data) => withUnsaved(data, { clearThroughId: FARTHEST_ID })],
    ["data.unsaved.clearAhead", (data) => withUnsaved(data, { clearAhead: { afterId: NIL_ID, throughId: NIL_ID } })],
    ["data.unsaved.historyXor", (data) => withUnsaved(data, { historyXor: "not a version" })],
    ["data.unsaved.historyXor", (data) => withUnsaved(data, { historyXor: NIL_ID.replace("-", "") })],
    ["data.unsaved.atoms[1].id", ({ unsaved, ...data }) => withAtoms({ unsaved, ...data }, [0, 0, 1])],
    ["data.unsaved.atoms[1].id", ({ unsaved, ...data }) => withAtoms({ unsaved, ...data }, [1, 0])],
    ["data.unsaved.atoms[1].id", (data) => ({ ...data, messages: [] })],
    ["data.unsaved.atoms[0].id", (data) => withAtom(data, { id: data.messages[0]?.id })],
    ["data.messages[1].id", (data) => ({ ...data, messages: [...data.messages, ...data.messages] })],
    ["data.messages[0]", (data) => ({ ...data, messages: [{ ...data.messages[0], content: "two" }] })],
    ["data.messages[0]", (data) => ({ ...data, messages: [{ ...data.messages[0], role: "system" }] })],
    ["data.messages[0]", (data) => ({ ...data, messages: [{ ...data.messages[0], metadata: { a: 1 } }] })],
    ["data.sessionId", (data) => ({ ...data, sessionId: "b" })],
    ["data.userId", (data) => ({ ...data, userId: "eve" })],
    ["data.savedAs", (data) => ({ ...data, savedAs: null })],
    ["data.savedAs.sessionId", (data) => ({ ...data, savedAs: { userId: "ada" } })],
  ])("is refused with the path %s when that is wrong: %s", (path, change) => {
    const session = new Session({ userId: "ada" });
    session.addUserMessage("one");
    const data = change(session.toJSON());
    // @ts-expect-error the point is an argument of another type
    const work = (): unknown => Session.fromJSON(data);
    expect(work).toThrow(expect.objectContaining({ code: "invalid_input", path }));
  });
});

const FARTHEST_ID = "ffffffff-ffff-7fff-bfff-ffffffffffff";

/** The unsaved atoms with these places, in this order. */
function withAtoms(data: SessionData, places: readonly number[]): unknown {
  return withUnsaved(data, { atoms: places.map((place) => data.unsaved.atoms[place]) });
}

function withUnsaved(data: SessionData, change: object): unknown {
  return { ...data, unsaved: { ...data.unsaved, ...change } };
}

describe("the JSON of a session whose id was changed", () => {
  it("is refused, and the error says to make a new session", () => {
    const session = new Session({ userId: "ada" });
    session.addUserMessage("one");
    const work = (): unknown => Session.fromJSON({ ...session.toJSON(), sessionId: "b" });
    expect(work).toThrow("create a new Session and add the messages to it");
  });

  it("without savedAs, as an older version wrote it, is taken only when all of it is unsaved", () => {
    const session = new Session({ userId: "ada" });
    session.addUserMessage("one");
    const { savedAs: _, ...data } = session.toJSON();
    // @ts-expect-error the point is an argument of another type
    expect(Session.fromJSON(data).toJSON()).toEqual(session.toJSON());
    const saved = { ...data, unsaved: { ...data.unsaved, atoms: data.unsaved.atoms.slice(0, 1) } };
    // @ts-expect-error the point is an argument of another type
    const work = (): unknown => Session.fromJSON(saved);
    expect(work).toThrow(expect.objectContaining({ code: "invalid_input", path: "data.savedAs" }));
  });
});

describe("the clock of the process", () => {
  it("is not moved by JSON with an id of the far future, which is refused", () => {
    const session = new Session({ userId: "ada" });
    const message = session.addUserMessage("one");
    const data = session.toJSON();
    const farther = { ...data, messages: [{ ...message, createdAt: data.createdAt, id: FARTHEST_ID }] };
    expect(() => Session.fromJSON(farther)).toThrow(/10889-.* ahead of the clock/);
    const next = new Session({ userId: "bob" }).addUserMessage("two");
    expect(judgeAtomId(next.id, Date.now())).toBe("good");
    expect(next.id > message.id).toBe(true);
  });
});

function withAtom(data: SessionData, change: object): unknown {
  return { ...data, unsaved: { ...data.unsaved, atoms: [{ ...data.unsaved.atoms[0], ...change }] } };
}

describe("a session without a storage", () => {
  it.each(["save", "refresh"] as const)("refuses to %s, and says what to do", async (operation) => {
    const session = new Session({ userId: "ada" });
    await expect(session[operation]()).rejects.toMatchObject({ code: "invalid_input", operation });
    await expect(session[operation]()).rejects.toThrow("storage.saveSession(session)");
    expect(session.unsavedCount).toBe(1);
  });

  it("may be used with await using", async () => {
    await using session = new Session({ userId: "ada" });
    session.addUserMessage("one");
  });
});

describe("a session that is logged", () => {
  it("shows its ids, its metadata, its messages and what is unsaved", () => {
    const session = new Session({ userId: "ada", sessionId: "line-3", metadata: { title: "Drive" } });
    session.addUserMessage("It trips.");
    const text = inspect(session, { depth: 4 });
    for (const shown of ["'line-3'", "'ada'", "'Drive'", "'It trips.'", "unsavedCount: 2"])
      expect(text).toContain(shown);
  });
});
