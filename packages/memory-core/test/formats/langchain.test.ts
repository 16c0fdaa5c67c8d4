import {
  AIMessage,
  coerceMessageLikeToMessage,
  HumanMessage,
  SystemMessage,
  ToolMessage,
  type BaseMessage,
  type BaseMessageLike,
} from "@langchain/core/messages";
import { describe, expect, expectTypeOf, it } from "vitest";
import { MessageHistory, toLangChainMessages, type LangChainMessage } from "../../src/index.ts";
import { callPart, messageOf, resultPart } from "../messages.ts";

const PNG = "iVBORw0KGgoAAAANSUhEUg==";

/** Through LangChain's own coercion, to its own classes. */
function coerce(...messages: Parameters<typeof messageOf>[]): BaseMessage[] {
  return toLangChainMessages(messages.map((message) => messageOf(...message))).map(coerceMessageLikeToMessage);
}

describe("toLangChainMessages", () => {
  it("gives what LangChain takes", () => {
    expectTypeOf<LangChainMessage>().toExtend<BaseMessageLike>();
  });

  it("becomes the class of each role", () => {
    const messages = coerce(["system", "Be brief."], ["user", "Hello"], ["assistant", "Hi"], ["tool", "done"]);
    const classes = [SystemMessage, HumanMessage, AIMessage, ToolMessage];
    expect(messages.map((message, index) => message instanceof (classes[index] ?? Error))).toEqual(Array(4).fill(true));
    expect(messages.map(({ text }) => text)).toEqual(["Be brief.", "Hello", "Hi", "done"]);
  });

  it("becomes tool calls and tool messages that answer them", () => {
    const [assistant, first, second] = coerce(
      ["assistant", [{ type: "text", text: "Looking." }, callPart("a", { drive: 7 }), callPart("b", "free text")]],
      ["tool", [resultPart("a", { type: "text", value: "stopped" }), resultPart("b", { type: "json", value: [1] })]],
    );
    expect(assistant).toBeInstanceOf(AIMessage);
    expect(assistant?.text).toBe("Looking.");
    expect(assistant).toMatchObject({
      tool_calls: [
        { id: "a", name: "readDrive", args: { drive: 7 } },
        { id: "b", name: "readDrive", args: { input: "free text" } },
      ],
      invalid_tool_calls: [],
    });
    expect(first).toMatchObject({ tool_call_id: "a", name: "readDrive", content: "stopped", status: "success" });
    expect(second).toMatchObject({ tool_call_id: "b", content: "[1]", status: "success" });
  });

  it("has plain content when all is text, which every version of LangChain reads", () => {
    const parts = [{ type: "text" as const, text: "Looking." }, callPart("a", {})];
    const tool_calls = [{ id: "a", name: "readDrive", args: {} }];
    expect(toLangChainMessages([messageOf("assistant", parts), messageOf("assistant", parts.slice(1))])).toEqual([
      { role: "assistant", content: "Looking.", tool_calls },
      { role: "assistant", content: "", tool_calls },
    ]);
  });

  it("becomes a failed tool message for each kind of error", () => {
    const messages = coerce([
      "tool",
      [
        resultPart("a", { type: "error-text", value: "no answer" }),
        resultPart("b", { type: "error-json", value: { code: 5 } }),
        resultPart("c", { type: "execution-denied", reason: "not at night" }),
      ],
    ]);
    expect(messages).toMatchObject([
      { status: "error", content: "no answer" },
      { status: "error", content: '{"code":5}' },
      { status: "error", content: "not at night" },
    ]);
  });

  it("becomes a tool message with the id and the name of the call before plain text", () => {
    const [, tool] = coerce(["assistant", [callPart("a", {})]], ["tool", "stopped"]);
    expect(tool).toMatchObject({ tool_call_id: "a", name: "readDrive", content: "stopped", status: "success" });
  });

  it("becomes standard content blocks", () => {
    const [message] = coerce([
      "user",
      [
        { type: "text", text: "What is this?" },
        { type: "image", image: PNG },
        { type: "image", image: "https://example.com/a.jpg" },
        { type: "file", data: "AAAA", mediaType: "application/pdf", filename: "manual.pdf" },
        { type: "file", data: "AAAA", mediaType: "audio/wav" },
        { type: "file", data: { openai: "file-1" }, mediaType: "video/mp4" },
        { type: "file", data: { type: "text", text: "P1121" }, mediaType: "text/plain" },
      ],
    ]);
    expect(message?.response_metadata).toEqual({ output_version: "v1" });
    expect(message?.contentBlocks).toEqual([
      { type: "text", text: "What is this?" },
      { type: "image", data: PNG, mimeType: "image/png" },
      { type: "image", url: "https://example.com/a.jpg" },
      { type: "file", data: "AAAA", mimeType: "application/pdf", metadata: { filename: "manual.pdf" } },
      { type: "audio", data: "AAAA", mimeType: "audio/wav" },
      { type: "video", fileId: "file-1", mimeType: "video/mp4" },
      { type: "text", text: "P1121" },
    ]);
  });

  it("becomes reasoning beside the text and the calls, each once", () => {
    const [message] = coerce([
      "assistant",
      [{ type: "reasoning", text: "Hm." }, { type: "text", text: "Yes." }, callPart("a", { drive: 7 })],
    ]);
    expect(message?.contentBlocks).toEqual([
      { type: "reasoning", reasoning: "Hm." },
      { type: "text", text: "Yes." },
      { type: "tool_call", id: "a", name: "readDrive", args: { drive: 7 } },
    ]);
    expect(message).toMatchObject({ tool_calls: [{ id: "a" }] });
  });

  it("is not changed by the coercion, which may be repeated", () => {
    const messages = toLangChainMessages([
      messageOf("assistant", [{ type: "reasoning", text: "Hm." }, callPart("a", { drive: 7 })]),
    ]);
    const before = structuredClone(messages);
    messages.map(coerceMessageLikeToMessage);
    expect(messages).toEqual(before);
  });

  it("becomes a tool message with the image that a tool returned", () => {
    const value = [
      { type: "text", text: "The plate:" },
      { type: "image-data", data: PNG, mediaType: "image/png" },
    ];
    const [message] = coerce(["tool", [resultPart("a", { type: "content", value })]]);
    expect(message?.contentBlocks).toEqual([
      { type: "text", text: "The plate:" },
      { type: "image", data: PNG, mimeType: "image/png" },
    ]);
  });

  it("is what a history exports", () => {
    const messages = [messageOf("user", "Hello")];
    expect(new MessageHistory(() => messages).toLangChain()).toEqual([{ role: "user", content: "Hello" }]);
  });
});
