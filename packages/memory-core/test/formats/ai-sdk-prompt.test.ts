import { generateText, type LanguageModel, type ModelMessage, type Prompt } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { describe, expect, expectTypeOf, it } from "vitest";
import { Session, toAISDKPrompt, type AISDKMessage, type AISDKPrompt, type JsonValue } from "../../src/index.ts";

/** A model that answers `done`, and keeps what it was asked. */
function answering(): { model: LanguageModel; asked: () => JsonValue } {
  const model = new MockLanguageModelV4({
    doGenerate: {
      content: [{ type: "text", text: "done" }],
      finishReason: { unified: "stop", raw: "stop" },
      usage: {
        inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: 1, text: 1, reasoning: 0 },
      },
      warnings: [],
    },
  });
  return { model, asked: () => JSON.parse(JSON.stringify(model.doGenerateCalls[0]?.prompt)) };
}

describe("a history for the AI SDK", () => {
  it("has the types that generateText takes", () => {
    expectTypeOf<AISDKMessage>().toExtend<ModelMessage>();
    expectTypeOf<AISDKPrompt["instructions"]>().toExtend<Prompt["instructions"]>();
  });

  it("reaches the model whole, with system messages as instructions and each result after its call", async () => {
    const session = new Session({ userId: "ada" });
    session.addSystemMessage("Be brief.");
    session.addUserMessage([
      { type: "text", text: "What is on the display?" },
      { type: "image", image: "data:image/png;base64,iVBORw0KGgo=" },
    ]);
    session.addAssistantMessage([
      { type: "reasoning", text: "I look.", providerOptions: { anthropic: { signature: "sig" } } },
      { type: "tool-call", toolCallId: "1", toolName: "readDrive", input: { id: 7 } },
    ]);
    session.addUserMessage("Hurry.");
    session.addToolMessage("F0002", { toolCallId: "1" });
    const { model, asked } = answering();
    const { text } = await generateText({ model, ...session.history.toAISDK() });
    expect(text).toBe("done");
    expect(asked()).toMatchObject([
      { role: "system", content: "Be brief." },
      { role: "user", content: [{ type: "text" }, { type: "file", mediaType: "image/png" }] },
      {
        role: "assistant",
        content: [
          { type: "reasoning", text: "I look.", providerOptions: { anthropic: { signature: "sig" } } },
          { type: "tool-call", toolCallId: "1", input: { id: 7 } },
        ],
      },
      { role: "tool", content: [{ type: "tool-result", toolCallId: "1", output: { type: "text", value: "F0002" } }] },
      { role: "user", content: [{ type: "text", text: "Hurry." }] },
    ]);
  });

  it("has several results as one message, and those of the provider's own tools where they were", () => {
    const session = new Session({ userId: "ada" });
    const output = { type: "content" as const, value: [{ type: "image-data", data: "AAAA", mediaType: "image/png" }] };
    const search = { toolCallId: "s", toolName: "search" };
    session.addAssistantMessage([
      { type: "tool-call", ...search, input: {}, providerExecuted: true },
      { type: "tool-result", ...search, output: { type: "json", value: [] } },
      { type: "tool-call", toolCallId: "1", toolName: "readDrive", input: {} },
      { type: "tool-call", toolCallId: "2", toolName: "readDrive", input: {} },
    ]);
    session.addToolMessage([{ type: "tool-result", toolCallId: "1", toolName: "readDrive", output }]);
    session.addToolMessage("F0002");
    const { messages } = toAISDKPrompt(session.getContext());
    expect(messages.map(({ role }) => role)).toEqual(["assistant", "tool"]);
    expect(messages[0]?.content).toHaveLength(4);
    expect(messages[1]?.content).toMatchObject([
      { toolCallId: "1", output: { value: [{ type: "file", data: { type: "data", data: "AAAA" } }] } },
      { toolCallId: "2", output: { type: "text", value: "F0002" } },
    ]);
  });

  it("without its unanswered calls is what getContext gives, and the AI SDK takes it", async () => {
    const session = new Session({ userId: "ada" });
    session.addUserMessage("question");
    session.addAssistantMessage([{ type: "tool-call", toolCallId: "1", toolName: "readDrive", input: {} }]);
    session.addUserMessage("again");
    const { model } = answering();
    await expect(generateText({ model, ...session.history.toAISDK() })).rejects.toThrow(/tool/i);
    const { text } = await generateText({ model, ...toAISDKPrompt(session.getContext()) });
    expect(text).toBe("done");
  });
});
