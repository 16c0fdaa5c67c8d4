import assert from "node:assert/strict";
import { newSession } from "./expectations.ts";
import type { Concern } from "./suite.ts";

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
        assert.equal(middle?.history.length, 2);
        assert.deepEqual(
          middle?.getContext().map(({ role }) => role),
          ["assistant"],
        );
        const whole = await storage.loadSession(session.sessionId);
        const one = (): number => 1;
        const roles = (maxTokens: number): string[] | undefined =>
          whole?.getContext({ maxTokens, countTokens: one }).map(({ role }) => role);
        assert.deepEqual(roles(3), ["system", "assistant"]);
        assert.deepEqual(roles(4), ["system", "assistant", "tool", "assistant"]);
        assert.deepEqual(roles(5), ["system", "user", "assistant", "tool", "assistant"]);
      },
    },
  ],
};
