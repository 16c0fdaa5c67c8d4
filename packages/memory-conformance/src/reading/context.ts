import assert from "node:assert/strict";
import type { Message, Session } from "@rivet/memory-core";
import { contents, newSession } from "../expectations.ts";
import type { AnyStorage, Concern } from "../suite.ts";

export const context: Concern = {
  title: "a context window",
  cases: [
    {
      title: "of a session that was loaded from its middle holds no tool result without its call",
      run: async ({ open }) => {
        const storage = await open();
        const session = newSession(storage);
        session.addSystemMessage("You are an engineer.");
        session.addUserMessage("What does F0002 mean?");
        session.addAssistantMessage([{ type: "tool-call", toolCallId: "1", toolName: "lookUp", input: {} }]);
        session.addToolMessage([
          { type: "tool-result", toolCallId: "1", toolName: "lookUp", output: { type: "text", value: "Overvoltage" } },
        ]);
        session.addAssistantMessage("An overvoltage.");
        await session.save();

        const middle = await storage.loadSession(session.sessionId, { lastMessages: 2 });
        assert.deepEqual(rolesOf(middle?.history), ["system", "tool", "assistant"]);
        assert.deepEqual(rolesOf(middle?.getContext()), ["system", "assistant"]);
        const whole = await storage.loadSession(session.sessionId);
        const one = (): number => 1;
        const roles = (maxTokens: number): string[] | undefined =>
          whole?.getContext({ maxTokens, countTokens: one }).map(({ role }) => role);
        assert.deepEqual(roles(3), ["system", "assistant"]);
        assert.deepEqual(roles(4), ["system", "assistant", "tool", "assistant"]);
        assert.deepEqual(roles(5), ["system", "user", "assistant", "tool", "assistant"]);
      },
    },
    {
      title:
        "of the last messages has the system messages at the start of the session, after a refresh and a prune too",
      run: async ({ open }) => {
        const storage = await open();
        const { sessionId } = await conversation(storage);
        const tail = await storage.loadSession(sessionId, { lastMessages: 2 });
        assert.ok(tail);
        const expected = ["You are an engineer.", "Be brief.", "question 4", "answer 4"];
        assert.deepEqual(contents(tail), expected);
        assert.equal(tail.getContext().length, 4);

        const other = await storage.loadSession(sessionId);
        other?.addUserMessage("question 5");
        other?.setMetadata("state", "changed");
        await other?.save();
        await tail.refresh();
        assert.deepEqual(contents(tail), [...expected, "question 5"]);
        assert.equal(tail.getMetadata("state"), "changed");

        const { messages } = await storage.prune({ keepLast: 3 });
        assert.equal(messages, 9);
        assert.deepEqual(contents(await storage.loadSession(sessionId)), [...expected, "question 5"]);
        tail.addAssistantMessage("answer 5");
        await tail.save({ ifUnchanged: false });
        await tail.refresh();
        assert.deepEqual(contents(tail), [...expected, "question 5", "answer 5"]);
      },
    },
    {
      title:
        "has no message twice when the last messages reach back to the system messages, and all of those when there is nothing else",
      run: async ({ open }) => {
        const storage = await open();
        const session = newSession(storage);
        session.addSystemMessage("one");
        session.addSystemMessage("two");
        await session.save();
        const texts = async (lastMessages: number): Promise<unknown> =>
          contents(await storage.loadSession(session.sessionId, { lastMessages }));
        assert.deepEqual(await texts(1), ["one", "two"]);
        session.addUserMessage("three");
        await session.save();
        assert.deepEqual(await texts(1), ["one", "two", "three"]);
        assert.deepEqual(await texts(2), ["one", "two", "three"]);
        assert.deepEqual(await texts(9), ["one", "two", "three"]);
      },
    },
  ],
};

/** Two leading system messages, and five questions with their answers, with another system message among them. */
async function conversation(storage: AnyStorage): Promise<Session> {
  const session = newSession(storage);
  session.addSystemMessage("You are an engineer.");
  session.addSystemMessage("Be brief.");
  for (let index = 0; index < 5; index++) {
    session.addUserMessage(`question ${index}`);
    if (index === 1) session.addSystemMessage("in between");
    session.addAssistantMessage(`answer ${index}`);
  }
  await session.save();
  return session;
}

function rolesOf(messages: Iterable<Message> | undefined): string[] {
  return Array.from(messages ?? [], ({ role }) => role);
}
