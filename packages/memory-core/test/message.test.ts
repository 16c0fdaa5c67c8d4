import { describe, expect, it } from "vitest";
import { MemoryError, Session } from "../src/index.ts";

/** The path of the error that adding the content ends with. */
function pathOfError(content: unknown): string | undefined {
  const session = new Session({ userId: "ada" });
  try {
    // @ts-expect-error the point is content of another type
    session.addUserMessage(content);
  } catch (error) {
    expect(session.history).toHaveLength(0);
    if (MemoryError.isInstance(error) && error.code === "invalid_input") return error.path;
    throw error;
  }
  return undefined;
}

describe("message content", () => {
  it.each([
    ["undefined", undefined, "content"],
    ["null", null, "content"],
    ["a number", 7, "content"],
    ["an object", { type: "text", text: "Hello" }, "content"],
    ["a string among the parts", ["Hello"], "content[0]"],
    ["an array among the parts", [[]], "content[0]"],
    ["a part without a type", [{ text: "Hello" }], "content[0].type"],
    ["a part of an empty type", [{ type: "" }], "content[0].type"],
    ["a text part without text", [{ type: "text" }], "content[0].text"],
    ["a reasoning part without text", [{ type: "text", text: "" }, { type: "reasoning" }], "content[1].text"],
    ["an image part without an image", [{ type: "image" }], "content[0].image"],
    ["an image of bytes", [{ type: "image", image: new Uint8Array(3) }], "content[0].image"],
    ["an image in a buffer", [{ type: "image", image: Buffer.from("abc") }], "content[0].image"],
    ["an image with a tag", [{ type: "image", image: { type: "data", data: "AAAA" } }], "content[0].image"],
    ["an image of a media type that is no text", [{ type: "image", image: "", mediaType: 1 }], "content[0].mediaType"],
    ["a file without data", [{ type: "file", mediaType: "text/plain" }], "content[0].data"],
    ["a file without a media type", [{ type: "file", data: "AAAA" }], "content[0].mediaType"],
    ["a file in a buffer", [{ type: "file", data: Buffer.from("abc"), mediaType: "a/b" }], "content[0].data"],
    [
      "a file whose tag has no content",
      [{ type: "file", data: { type: "data", url: "" }, mediaType: "a/b" }],
      "content[0].data",
    ],
    [
      "a file of an unknown tag",
      [{ type: "file", data: { type: "path", path: "/" }, mediaType: "a/b" }],
      "content[0].data",
    ],
    ["a file name that is no text", [{ type: "file", data: "", mediaType: "a/b", filename: 1 }], "content[0].filename"],
    ["a call without an id", [{ type: "tool-call", toolName: "read", input: {} }], "content[0].toolCallId"],
    ["a call without a name", [{ type: "tool-call", toolCallId: "a", input: {} }], "content[0].toolName"],
    ["a call without input", [{ type: "tool-call", toolCallId: "a", toolName: "read" }], "content[0].input"],
    ["a result without output", [{ type: "tool-result", toolCallId: "a", toolName: "read" }], "content[0].output"],
    [
      "a result with bare text",
      [{ type: "tool-result", toolCallId: "a", toolName: "b", output: "" }],
      "content[0].output",
    ],
    [
      "a text result without text",
      [{ type: "tool-result", toolCallId: "a", toolName: "b", output: { type: "text", value: 1 } }],
      "content[0].output.value",
    ],
    [
      "a JSON result without a value",
      [{ type: "tool-result", toolCallId: "a", toolName: "b", output: { type: "json" } }],
      "content[0].output.value",
    ],
    [
      "a content result of text",
      [{ type: "tool-result", toolCallId: "a", toolName: "b", output: { type: "content", value: ["a"] } }],
      "content[0].output.value",
    ],
  ])("is refused with its path when it is %s", (_, content, path) => {
    expect(pathOfError(content)).toBe(path);
  });

  it.each<[name: string, part: object, expected: string]>([
    ["Anthropic's tool_use", { type: "tool_use", id: "a", name: "read", input: {} }, "tool-call"],
    ["Anthropic's tool_result", { type: "tool_result", tool_use_id: "a", content: "done" }, "tool-result"],
    [
      "Anthropic's image",
      { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
      "image",
    ],
    ["Anthropic's document", { type: "document", source: { type: "text", data: "x" } }, "file"],
    ["Anthropic's thinking", { type: "thinking", thinking: "…", signature: "s" }, "reasoning"],
    ["Anthropic's redacted_thinking", { type: "redacted_thinking", data: "AAAA" }, "reasoning"],
    ["Anthropic's server_tool_use", { type: "server_tool_use", id: "a", name: "web_search", input: {} }, "tool-call"],
    ["OpenAI's image_url", { type: "image_url", image_url: { url: "https://example.com/a.png" } }, "image"],
    ["OpenAI's input_audio", { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } }, "file"],
    ["OpenAI's file", { type: "file", file: { file_data: "AAAA", filename: "a.pdf" } }, "file"],
    ["OpenAI's refusal", { type: "refusal", refusal: "no" }, "text"],
    [
      "a function_call of the Responses API",
      { type: "function_call", call_id: "a", name: "b", arguments: "{}" },
      "tool-call",
    ],
    ["its output", { type: "function_call_output", call_id: "a", output: "done" }, "tool-result"],
    [
      "a reasoning item of the Responses API",
      { type: "reasoning", id: "a", summary: [], encrypted_content: "x" },
      "reasoning",
    ],
    ["its text", { type: "output_text", text: "hello", annotations: [] }, "text"],
    ["its image", { type: "input_image", image_url: "https://example.com/a.png" }, "image"],
    [
      "a tool part of UI messages",
      { type: "tool-readDrive", toolCallId: "a", state: "output-available", input: {}, output: 1 },
      "tool-call",
    ],
    [
      "a dynamic tool of UI messages",
      { type: "dynamic-tool", toolName: "a", toolCallId: "b", state: "input-available", input: 1 },
      "tool-call",
    ],
    ["a data part of UI messages", { type: "data-weather", data: {} }, "metadata"],
    ["a file of UI messages", { type: "file", mediaType: "image/png", url: "https://example.com/a.png" }, "file"],
    ["a call of an older AI SDK", { type: "tool-call", toolCallId: "a", toolName: "b", args: {} }, "input"],
    ["Gemini's text", { text: "hello" }, "text"],
    ["Gemini's functionCall", { functionCall: { name: "a", args: {} } }, "tool-call"],
    ["Gemini's inlineData", { inlineData: { mimeType: "image/png", data: "AAAA" } }, "file"],
    ["Bedrock's toolResult", { toolResult: { toolUseId: "a", content: [] } }, "tool-result"],
  ])("is refused when it has %s, with the part that says the same", (_, part, expected) => {
    const session = new Session({ userId: "ada" });
    const add = (): unknown => Reflect.apply(session.addAssistantMessage, session, [[part]]);
    expect(add).toThrow(expect.objectContaining({ code: "invalid_input", message: expect.stringContaining(expected) }));
    expect(session.history).toHaveLength(0);
  });

  it.each([
    ["null, as OpenAI has it beside tool_calls", null],
    ["OpenAI's whole message", { role: "assistant", content: null, tool_calls: [] }],
    ["Gemini's contents", { role: "model", parts: [{ text: "hello" }] }],
  ])("is refused when it is %s, with what is expected", (_, content) => {
    const session = new Session({ userId: "ada" });
    const add = (): unknown => Reflect.apply(session.addAssistantMessage, session, [content]);
    expect(add).toThrow(/expected a string or an array of parts, such as .*tool-call/);
  });

  it.each([
    ["an empty string", ""],
    ["no parts", []],
    ["a part of an unlisted type", [{ type: "weather", degrees: 7 }]],
    ["a part whose type is a property of every object", [{ type: "constructor" }]],
    [
      "an output of an unlisted type",
      [{ type: "tool-result", toolCallId: "a", toolName: "b", output: { type: "new" } }],
    ],
    [
      "a JSON result of null",
      [{ type: "tool-result", toolCallId: "a", toolName: "b", output: { type: "json", value: null } }],
    ],
  ])("may be %s", (_, content) => {
    expect(pathOfError(content)).toBeUndefined();
  });
});
