import { ChatAnthropic } from "@langchain/anthropic";
import {
  AIMessage,
  coerceMessageLikeToMessage,
  HumanMessage,
  ToolMessage,
  type BaseMessage,
} from "@langchain/core/messages";
import { ChatGoogleGenerativeAI } from "@langchain/google-genai";
import { ChatOpenAI } from "@langchain/openai";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { Session, toLangChainMessages, type NewMessageContent } from "../../src/index.ts";

type Invoke = (baseUrl: string, messages: BaseMessage[]) => Promise<unknown>;

/** The body of the request that a client sends to a server of this machine, which refuses it. */
async function requestOf(invoke: Invoke, messages: BaseMessage[]): Promise<Record<string, unknown>> {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    bodies.push(await text(request));
    response.writeHead(400, { "content-type": "application/json" }).end('{"error":{"message":"refused"}}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  try {
    const { port } = server.address() as AddressInfo;
    await invoke(`http://127.0.0.1:${port}`, messages).catch(() => undefined);
    return JSON.parse(bodies[0] ?? "{}");
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const asAnthropic: Invoke = (anthropicApiUrl, messages) =>
  new ChatAnthropic({ model: "claude-sonnet-4-5", apiKey: "none", anthropicApiUrl, maxRetries: 0 }).invoke(messages);
const asOpenAI: Invoke = (baseURL, messages) =>
  new ChatOpenAI({
    model: "gpt-5",
    apiKey: "none",
    configuration: { baseURL },
    maxRetries: 0,
    useResponsesApi: true,
    zdrEnabled: true,
  }).invoke(messages);
const asGoogle: Invoke = (baseUrl, messages) =>
  new ChatGoogleGenerativeAI({ model: "gemini-2.5-pro", apiKey: "none", baseUrl, maxRetries: 0 }).invoke(messages);

const call = { toolCallId: "call_1", toolName: "readDrive" };

/** A question, an answer that thinks and calls a tool, and the result. */
function history(answer: NewMessageContent): BaseMessage[] {
  const session = new Session({ userId: "ada" });
  session.addUserMessage("What does drive 7 say?");
  session.addAssistantMessage(answer);
  session.addToolMessage([{ type: "tool-result", ...call, output: { type: "text", value: "F0002" } }]);
  return toLangChainMessages(session.getContext()).map((message) => coerceMessageLikeToMessage(message));
}

/** The same as LangChain's own client keeps it after the model's answer. */
function own(answer: AIMessage): BaseMessage[] {
  const result = new ToolMessage({ content: "F0002", tool_call_id: "call_1", name: "readDrive", status: "success" });
  return [new HumanMessage("What does drive 7 say?"), answer, result];
}
const toolCalls = [{ id: "call_1", name: "readDrive", args: { drive: 7 }, type: "tool_call" as const }];

/** Pictures and files both ways, a failed call, and nothing that the model thought. */
function illustrated(): BaseMessage[] {
  const session = new Session({ userId: "ada" });
  session.addUserMessage([
    { type: "image", image: "aW1hZ2U=", mediaType: "image/png" },
    { type: "file", data: "ZmlsZQ==", mediaType: "application/pdf", filename: "manual.pdf" },
  ]);
  session.addAssistantMessage([{ type: "tool-call", ...call, input: {} }]);
  const seen = { type: "image-data", data: "c2Vlbg==", mediaType: "image/png" };
  const output = { type: "content" as const, value: [{ type: "text", text: "see" }, seen] };
  session.addToolMessage([{ type: "tool-result", ...call, output }]);
  session.addAssistantMessage([{ type: "tool-call", toolCallId: "call_2", toolName: "readDrive", input: {} }]);
  const failed = { type: "error-text" as const, value: "broken" };
  session.addToolMessage([{ type: "tool-result", toolCallId: "call_2", toolName: "readDrive", output: failed }]);
  return toLangChainMessages(session.getContext()).map((message) => coerceMessageLikeToMessage(message));
}

describe("a history that goes through LangChain's own client", () => {
  it("of Anthropic has the thinking with its signature, and what was redacted", async () => {
    const sent = await requestOf(
      asAnthropic,
      history([
        { type: "reasoning", text: "I look.", providerOptions: { anthropic: { signature: "sig" } } },
        { type: "reasoning", text: "", providerOptions: { anthropic: { redactedData: "hidden" } } },
        { type: "text", text: "A moment." },
        { type: "tool-call", ...call, input: { drive: 7 } },
      ]),
    );
    const content = [
      { type: "thinking", thinking: "I look.", signature: "sig" },
      { type: "redacted_thinking", data: "hidden" },
      { type: "text", text: "A moment." },
      { type: "tool_use", id: "call_1", name: "readDrive", input: { drive: 7 } },
    ];
    const expected = await requestOf(asAnthropic, own(new AIMessage({ content, tool_calls: toolCalls })));
    expect(sent["messages"]).toEqual(expected["messages"]);
    expect(JSON.stringify(sent)).toContain('"signature":"sig"');
  });

  it.each<[client: string, invoke: Invoke, calls: RegExp, results: RegExp]>([
    ["Anthropic", asAnthropic, /"type":"tool_use"/g, /"type":"tool_result"/g],
    ["OpenAI", asOpenAI, /"type":"function_call"/g, /"type":"function_call_output"/g],
    ["Google", asGoogle, /"functionCall":/g, /"functionResponse":/g],
  ])("of %s has the images, the files, and a result for each call", async (_, invoke, calls, results) => {
    const sent = JSON.stringify(await requestOf(invoke, illustrated()));
    for (const data of ["aW1hZ2U=", "ZmlsZQ==", "c2Vlbg==", "broken"]) expect(sent).toContain(data);
    expect(sent.match(calls)).toHaveLength(2);
    expect(sent.match(results)).toHaveLength(2);
  });

  it("of OpenAI has the reasoning item with its encrypted content", async () => {
    const item = { itemId: "rs_1", reasoningEncryptedContent: "hidden" };
    const sent = await requestOf(
      asOpenAI,
      history([
        { type: "reasoning", text: "I look. ", providerOptions: { openai: item } },
        { type: "reasoning", text: "I call.", providerOptions: { openai: item } },
        { type: "tool-call", ...call, input: { drive: 7 } },
      ]),
    );
    expect(sent["input"]).toMatchObject([
      { role: "user" },
      {
        type: "reasoning",
        id: "rs_1",
        summary: [{ text: "I look. " }, { text: "I call." }],
        encrypted_content: "hidden",
      },
      { type: "function_call", call_id: "call_1", name: "readDrive", arguments: '{"drive":7}' },
      { type: "function_call_output", call_id: "call_1", output: "F0002" },
    ]);
  });

  it("of Google has the thoughts and the call with their signatures", async () => {
    const sent = await requestOf(
      asGoogle,
      history([
        { type: "reasoning", text: "I look.", providerOptions: { google: { thoughtSignature: "sig 1" } } },
        { type: "tool-call", ...call, input: { drive: 7 }, providerOptions: { google: { thoughtSignature: "sig 2" } } },
      ]),
    );
    const answer = new AIMessage({
      content: [{ type: "thinking", thinking: "I look.", signature: "sig 1" }],
      tool_calls: toolCalls,
      additional_kwargs: { __gemini_function_call_thought_signatures__: { call_1: "sig 2" } },
    });
    const expected = await requestOf(asGoogle, own(answer));
    expect(sent["contents"]).toEqual(expected["contents"]);
    expect(JSON.stringify(sent)).toContain('"thoughtSignature":"sig 2"');
  });
});
