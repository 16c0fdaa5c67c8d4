import type OpenAI from "openai";
import { describe, expect, expectTypeOf, it } from "vitest";
import { MessageHistory, toOpenAIMessages, type OpenAIMessage } from "../../src/index.ts";
import { callPart, messageOf, resultPart } from "../messages.ts";

type Param = OpenAI.Chat.Completions.ChatCompletionMessageParam;

const PNG = "iVBORw0KGgoAAAANSUhEUg==";

function convert(...messages: Parameters<typeof messageOf>[]): Param[] {
  return toOpenAIMessages(messages.map((message) => messageOf(...message)));
}

describe("toOpenAIMessages", () => {
  it("gives what the openai package takes", () => {
    expectTypeOf<OpenAIMessage>().toExtend<Param>();
    expectTypeOf(toOpenAIMessages).returns.toExtend<Param[]>();
  });

  it("keeps plain text as it is", () => {
    expect(convert(["system", "Be brief."], ["user", "Hello"], ["assistant", "Hi"])).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "Hello" },
      { role: "assistant", content: "Hi" },
    ]);
  });

  it("makes one text part a string and keeps several apart", () => {
    const [one, two] = convert(
      ["user", [{ type: "text", text: "one" }]],
      [
        "assistant",
        [
          { type: "text", text: "one" },
          { type: "text", text: "two" },
        ],
      ],
    );
    expect(one).toEqual({ role: "user", content: "one" });
    expect(two?.content).toEqual([
      { type: "text", text: "one" },
      { type: "text", text: "two" },
    ]);
  });

  it("writes tool calls with JSON arguments and answers each in a message of its own", () => {
    const messages = convert(
      ["assistant", [{ type: "text", text: "Looking." }, callPart("a", { drive: 7 }), callPart("b", "free text")]],
      ["tool", [resultPart("a", { type: "text", value: "stopped" }), resultPart("b", { type: "json", value: [1] })]],
    );
    expect(messages).toEqual([
      {
        role: "assistant",
        content: "Looking.",
        tool_calls: [
          { id: "a", type: "function", function: { name: "readDrive", arguments: '{"drive":7}' } },
          { id: "b", type: "function", function: { name: "readDrive", arguments: '"free text"' } },
        ],
      },
      { role: "tool", tool_call_id: "a", content: "stopped" },
      { role: "tool", tool_call_id: "b", content: "[1]" },
    ]);
  });

  it("has no content in a message that only calls", () => {
    expect(convert(["assistant", [callPart("a", {})]])[0]).toMatchObject({ content: null });
  });

  it("says that a tool failed", () => {
    const [text, json, denied, reasoned] = convert([
      "tool",
      [
        resultPart("a", { type: "error-text", value: "no answer" }),
        resultPart("b", { type: "error-json", value: { code: 5 } }),
        resultPart("c", { type: "execution-denied" }),
        resultPart("d", { type: "execution-denied", reason: "not at night" }),
      ],
    ]);
    expect(text?.content).toBe("Error: no answer");
    expect(json?.content).toBe('Error: {"code":5}');
    expect(denied?.content).toBe("Error: the call was denied");
    expect(reasoned?.content).toBe("Error: not at night");
  });

  it("lets plain tool text answer the call that its metadata names", () => {
    const messages = convert(
      ["assistant", [callPart("a", {}), callPart("b", {})]],
      ["tool", "second", { toolCallId: "b" }],
      ["tool", "first"],
    );
    expect(messages.slice(1)).toEqual([
      { role: "tool", tool_call_id: "b", content: "second" },
      { role: "tool", tool_call_id: "a", content: "first" },
    ]);
  });

  it("lets plain tool texts answer the calls before them in their order", () => {
    const messages = convert(
      ["assistant", [callPart("a", {}), callPart("b", {})]],
      ["tool", "first"],
      ["tool", [{ type: "text", text: "second" }]],
    );
    expect(messages.slice(1)).toEqual([
      { role: "tool", tool_call_id: "a", content: "first" },
      { role: "tool", tool_call_id: "b", content: "second" },
    ]);
  });

  it("gives plain tool text without any call its own message id", () => {
    const message = messageOf("tool", "lost");
    expect(toOpenAIMessages([message])).toEqual([{ role: "tool", tool_call_id: message.id, content: "lost" }]);
  });

  it("splits a message in which a provider ran the tool", () => {
    const messages = convert([
      "assistant",
      [
        callPart("a", {}),
        resultPart("a", { type: "text", value: "found" }),
        { type: "text", text: "It is the ramp." },
        callPart("b", {}),
        resultPart("b", { type: "text", value: "set" }),
      ],
    ]);
    expect(messages.map(({ role, content }) => [role, content])).toEqual([
      ["assistant", null],
      ["tool", "found"],
      ["assistant", "It is the ramp."],
      ["tool", "set"],
    ]);
  });

  it("keeps the results right after the calls of their message, which the API demands", () => {
    const messages = convert([
      "assistant",
      [
        callPart("a", {}),
        callPart("b", {}),
        resultPart("a", { type: "text", value: "one" }),
        { type: "text", text: "Going on." },
        resultPart("b", { type: "text", value: "two" }),
      ],
    ]);
    expect(messages.map(({ role }) => role)).toEqual(["assistant", "tool", "tool"]);
  });

  it.each([
    ["a URL", { image: "https://example.com/a.png" }, "https://example.com/a.png"],
    ["base64 of a known type", { image: "AAAA", mediaType: "image/webp" }, "data:image/webp;base64,AAAA"],
    ["base64 of an unknown type", { image: PNG }, `data:image/png;base64,${PNG}`],
    ["base64 of a wildcard type", { image: PNG, mediaType: "image/*" }, `data:image/png;base64,${PNG}`],
    ["a data URL", { image: "data:image/gif;base64,R0lG" }, "data:image/gif;base64,R0lG"],
  ])("gives an image from %s as image_url", (_, image, url) => {
    expect(convert(["user", [{ type: "image", ...image }]])[0]?.content).toEqual([
      { type: "image_url", image_url: { url } },
    ]);
  });

  it.each([
    ["an image file", { data: PNG, mediaType: "image/png" }, "image_url"],
    ["a recording", { data: "AAAA", mediaType: "audio/wav" }, "input_audio"],
    ["a document", { data: "AAAA", mediaType: "application/pdf" }, "file"],
    ["an upload", { data: { openai: "file-1" }, mediaType: "application/pdf" }, "file"],
    [
      "a tagged upload",
      { data: { type: "reference" as const, reference: { openai: "file-1" } }, mediaType: "x/y" },
      "file",
    ],
  ])("gives %s as its own kind of part", (_, file, type) => {
    expect(convert(["user", [{ type: "file", ...file }]])[0]?.content).toMatchObject([{ type }]);
  });

  it.each([
    ["a URL", { type: "url" as const, url: "https://example.com/a" }, "https://example.com/a"],
    ["base64", { type: "data" as const, data: PNG }, `data:image/png;base64,${PNG}`],
  ])("gives an image file from tagged %s as image_url", (_, data, url) => {
    expect(convert(["user", [{ type: "file", data, mediaType: "image" }]])[0]?.content).toEqual([
      { type: "image_url", image_url: { url } },
    ]);
  });

  it("gives a document its name and a data URL", () => {
    const file = { type: "file" as const, data: "AAAA", mediaType: "application/pdf" };
    const [named, nameless] = convert(["user", [{ ...file, filename: "manual.pdf" }]], ["user", [file]]);
    const file_data = "data:application/pdf;base64,AAAA";
    expect(named?.content).toEqual([{ type: "file", file: { filename: "manual.pdf", file_data } }]);
    expect(nameless?.content).toEqual([{ type: "file", file: { filename: "file.pdf", file_data } }]);
  });

  it("gives a text file as text", () => {
    const data = { type: "text" as const, text: "P1121 = 2.5 s" };
    expect(convert(["user", [{ type: "file", data, mediaType: "text/plain" }]])[0]?.content).toBe("P1121 = 2.5 s");
  });

  it("names a file that the API cannot take", () => {
    const url = "https://example.com/manual.pdf";
    const [byUrl, fromAssistant] = convert(
      ["user", [{ type: "file", data: url, mediaType: "application/pdf", filename: "manual.pdf" }]],
      ["assistant", [{ type: "file", data: PNG, mediaType: "image/png" }]],
    );
    expect(byUrl?.content).toBe(`[file: manual.pdf application/pdf ${url}]`);
    expect(fromAssistant?.content).toBe("[file: image/png]");
  });

  it("gives the text of a tool's content and names its files", () => {
    const value = [
      { type: "text", text: "The plate:" },
      { type: "image-data", data: PNG, mediaType: "image/png" },
      { type: "file", data: { type: "text", text: "7.5 kW" }, mediaType: "text/plain" },
      { type: "custom" },
    ];
    expect(convert(["tool", [resultPart("a", { type: "content", value })]])[0]?.content).toEqual([
      { type: "text", text: "The plate:" },
      { type: "text", text: "[file: image/png]" },
      { type: "text", text: "7.5 kW" },
    ]);
  });

  it("leaves out reasoning", () => {
    const parts = [{ type: "reasoning" as const, text: "Hm." }];
    expect(convert(["assistant", [...parts, { type: "text", text: "Yes." }]], ["assistant", parts])).toEqual([
      { role: "assistant", content: "Yes." },
      { role: "assistant", content: "" },
    ]);
  });

  it("is what a history exports", () => {
    const messages = [messageOf("user", "Hello")];
    expect(new MessageHistory(() => messages).toOpenAI()).toEqual([{ role: "user", content: "Hello" }]);
  });
});
