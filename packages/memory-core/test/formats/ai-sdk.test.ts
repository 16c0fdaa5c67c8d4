import {
  modelMessageSchema,
  type AssistantContent,
  type AssistantModelMessage,
  type FilePart as SdkFilePart,
  type ImagePart as SdkImagePart,
  type ModelMessage,
  type TextPart as SdkTextPart,
  type ToolCallPart as SdkToolCallPart,
  type ToolContent,
  type ToolResultPart as SdkToolResultPart,
  type UserContent,
} from "ai";
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  Session,
  type FilePart,
  type ImagePart,
  type Message,
  type NewMessageContent,
  type ReasoningPart,
  type TextPart,
  type ToolCallPart,
  type ToolResultPart,
} from "../../src/index.ts";

/** A part of the union that the `ai` package does not export by itself. */
type AssistantPart = Exclude<AssistantContent, string>[number];

/** A tool's content holds what any provider calls its own; the other outputs have fixed fields. */
type FixedOutput<Part extends { output: { type: string } }> = Exclude<Part["output"], { type: "content" }>;

describe("the parts of messages", () => {
  it("have the field names of the AI SDK's", () => {
    expectTypeOf<TextPart>().toExtend<SdkTextPart>();
    expectTypeOf<ImagePart>().toExtend<SdkImagePart>();
    expectTypeOf<ReasoningPart>().toExtend<AssistantPart>();
    expectTypeOf<ToolCallPart>().toExtend<SdkToolCallPart>();
    expectTypeOf<Omit<ToolResultPart, "output">>().toExtend<Omit<SdkToolResultPart, "output">>();
    expectTypeOf<FixedOutput<ToolResultPart>>().toExtend<FixedOutput<SdkToolResultPart>>();
    expectTypeOf<Omit<FilePart, "data">>().toExtend<Omit<SdkFilePart, "data">>();
    expectTypeOf<Exclude<FilePart["data"], { type: "url" }>>().toExtend<SdkFilePart["data"]>();
  });

  it("may be given as the AI SDK gives them", () => {
    expectTypeOf<UserContent>().toExtend<NewMessageContent>();
    expectTypeOf<AssistantContent>().toExtend<NewMessageContent>();
    expectTypeOf<ToolContent>().toExtend<NewMessageContent>();
    expectTypeOf<ModelMessage["content"]>().toExtend<NewMessageContent>();
  });

  it("may be given as they were read", () => {
    expectTypeOf<Message["content"]>().toExtend<NewMessageContent>();
  });
});

const MESSAGES: ModelMessage[] = [
  { role: "system", content: "Be brief." },
  {
    role: "user",
    content: [
      { type: "text", text: "What is this?", providerOptions: { anthropic: { cacheControl: { type: "ephemeral" } } } },
      { type: "image", image: "https://example.com/a.png", mediaType: "image/png" },
      { type: "file", data: "AAAA", mediaType: "application/pdf", filename: "manual.pdf" },
      { type: "file", data: { type: "data", data: "AAAA" }, mediaType: "image" },
      { type: "file", data: { type: "text", text: "P1121" }, mediaType: "text/plain" },
      { type: "file", data: { type: "reference", reference: { openai: "file-1" } }, mediaType: "image/png" },
      { type: "file", data: { openai: "file-1" }, mediaType: "image/png" },
    ],
  },
  {
    role: "assistant",
    content: [
      { type: "reasoning", text: "Hm." },
      { type: "text", text: "Looking." },
      { type: "tool-call", toolCallId: "a", toolName: "readDrive", input: { drive: 7 } },
      { type: "tool-call", toolCallId: "b", toolName: "search", input: {}, providerExecuted: true },
      { type: "tool-result", toolCallId: "b", toolName: "search", output: { type: "json", value: [1, null] } },
      { type: "custom", kind: "openai.compaction" },
      { type: "tool-approval-request", approvalId: "1", toolCallId: "a" },
    ],
  },
  {
    role: "tool",
    content: [
      { type: "tool-approval-response", approvalId: "1", approved: true },
      { type: "tool-result", toolCallId: "a", toolName: "readDrive", output: { type: "error-text", value: "no" } },
      { type: "tool-result", toolCallId: "c", toolName: "readDrive", output: { type: "execution-denied" } },
      {
        type: "tool-result",
        toolCallId: "d",
        toolName: "photo",
        output: { type: "content", value: [{ type: "text", text: "The plate" }] },
      },
    ],
  },
];

function add(session: Session, { role, content }: ModelMessage): Message {
  switch (role) {
    case "system":
      return session.addSystemMessage(content);
    case "user":
      return session.addUserMessage(content);
    case "assistant":
      return session.addAssistantMessage(content);
    case "tool":
      return session.addToolMessage(content);
  }
}

describe("a session", () => {
  it("takes the AI SDK's model messages and gives back what the SDK accepts", () => {
    const session = new Session({ userId: "ada" });
    for (const message of MESSAGES) add(session, message);
    const restored = Session.fromJSON(JSON.parse(JSON.stringify(session)));
    const read = restored.history.messages().map(({ role, content }) => modelMessageSchema.parse({ role, content }));
    expect(read).toEqual(MESSAGES);
  });

  it("keeps the URL of a file as a string", () => {
    const data = new URL("https://example.com/manual.pdf");
    const file = { type: "file" as const, data, mediaType: "application/pdf" };
    const { content } = new Session({ userId: "ada" }).addUserMessage([file]);
    expect(content).toEqual([{ type: "file", data: "https://example.com/manual.pdf", mediaType: "application/pdf" }]);
    expect(modelMessageSchema.parse({ role: "user", content })).toEqual({ role: "user", content });
  });

  it("takes the messages of a response", () => {
    expectTypeOf<AssistantModelMessage["content"]>().toExtend<Parameters<Session["addAssistantMessage"]>[0]>();
  });
});
