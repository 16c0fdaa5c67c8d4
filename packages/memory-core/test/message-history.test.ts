import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { MemoryError, Session } from "../src/index.ts";

function conversation(): Session {
  const session = new Session({ userId: "ada" });
  session.addSystemMessage("Be brief.");
  session.addUserMessage("one");
  session.addAssistantMessage("two");
  session.addUserMessage("three");
  return session;
}

function contents(messages: Iterable<{ content: unknown }>): unknown[] {
  return Array.from(messages, ({ content }) => content);
}

describe("MessageHistory", () => {
  it("iterates over the messages, oldest first", () => {
    expect(contents(conversation().history)).toEqual(["Be brief.", "one", "two", "three"]);
  });

  it("grows with the session", () => {
    const session = conversation();
    const { history } = session;
    session.addAssistantMessage("four");
    expect(history).toHaveLength(5);
    expect(session.history).toBe(history);
    session.clearHistory();
    expect(history).toHaveLength(0);
  });

  it("gives the last messages, of one role when asked", () => {
    const { history } = conversation();
    expect(contents(history.messages({ limit: 2 }))).toEqual(["two", "three"]);
    expect(contents(history.messages({ role: "user" }))).toEqual(["one", "three"]);
    expect(contents(history.messages({ role: "user", limit: 1 }))).toEqual(["three"]);
    expect(contents(history.messages({ limit: 100 }))).toHaveLength(4);
    expect(history.messages({ role: "tool" })).toEqual([]);
  });

  it("gives an array that is the caller's", () => {
    const { history } = conversation();
    history.messages().length = 0;
    expect(history).toHaveLength(4);
  });

  it.each([
    [{ limit: 0 }, "limit"],
    [{ limit: 1.5 }, "limit"],
    [{ role: "robot" }, "role"],
    ["user", "options"],
    [null, "options"],
  ])("refuses %j", (options, path) => {
    const { history } = conversation();
    // @ts-expect-error the point is an argument of another type
    const work = (): unknown => history.messages(options);
    expect(work).toThrow(MemoryError);
    expect(work).toThrow(expect.objectContaining({ code: "invalid_input", path }));
  });

  it("shows its messages to JSON.stringify and console.log", () => {
    const { history } = conversation();
    expect(JSON.parse(JSON.stringify(history))).toEqual(JSON.parse(JSON.stringify(history.messages())));
    expect(inspect(history)).toContain("content: 'three'");
  });
});
