/**
 * Content in the formats of providers' APIs. Stored unchanged, a context window could separate a call from its result,
 * and no output format could convert it. It is refused on the way in, and the error names the equivalent part of this
 * package.
 */
import { invalidInput, type MemoryError } from "../errors/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json/json.ts";

const TEXT = '{ type: "text", text }';
const REASONING = '{ type: "reasoning", text, providerOptions }';
const IMAGE = '{ type: "image", image: a URL or base64 text, mediaType }';
const FILE = '{ type: "file", data: a URL or base64 text, mediaType }';
const CALL = '{ type: "tool-call", toolCallId, toolName, input }';
const RESULT = '{ type: "tool-result", toolCallId, toolName, output: { type: "text" or "json", value } }';

const ANTHROPIC = "Anthropic's API";
const OPENAI = "OpenAI's API";
const OPENAI_RESPONSES = "OpenAI's Responses API";
const UI = "the AI SDK's UI messages";
const LANGCHAIN = "LangChain";

/** The shapes of the accepted parts, for errors about a part of that type with a wrong shape. */
export const SHAPES: ReadonlyMap<string, string> = new Map([
  ["text", TEXT],
  ["reasoning", REASONING],
  ["image", IMAGE],
  ["file", FILE],
  ["tool-call", CALL],
  ["tool-result", RESULT],
]);

/** The part types of other APIs: the API that uses each of them, and the equivalent part here. */
const FOREIGN_TYPES: ReadonlyMap<string, readonly [origin: string, expected: string]> = new Map([
  ["tool_use", [ANTHROPIC, CALL]],
  ["server_tool_use", [ANTHROPIC, `${CALL} with providerExecuted: true`]],
  ["mcp_tool_use", [ANTHROPIC, `${CALL} with providerExecuted: true`]],
  ["tool_result", [ANTHROPIC, RESULT]],
  ["mcp_tool_result", [ANTHROPIC, RESULT]],
  ["web_search_tool_result", [ANTHROPIC, RESULT]],
  ["web_fetch_tool_result", [ANTHROPIC, RESULT]],
  ["code_execution_tool_result", [ANTHROPIC, RESULT]],
  ["bash_code_execution_tool_result", [ANTHROPIC, RESULT]],
  ["text_editor_code_execution_tool_result", [ANTHROPIC, RESULT]],
  ["thinking", [ANTHROPIC, REASONING]],
  ["redacted_thinking", [ANTHROPIC, REASONING]],
  ["document", [ANTHROPIC, FILE]],
  ["search_result", [ANTHROPIC, TEXT]],
  ["container_upload", [ANTHROPIC, FILE]],
  ["image_url", [OPENAI, IMAGE]],
  ["input_audio", [OPENAI, FILE]],
  ["refusal", [OPENAI, TEXT]],
  ["function", [OPENAI, CALL]],
  ["message", [OPENAI_RESPONSES, `${TEXT} in a message of its role`]],
  ["input_text", [OPENAI_RESPONSES, TEXT]],
  ["output_text", [OPENAI_RESPONSES, TEXT]],
  ["summary_text", [OPENAI_RESPONSES, REASONING]],
  ["reasoning_text", [OPENAI_RESPONSES, REASONING]],
  ["input_image", [OPENAI_RESPONSES, IMAGE]],
  ["input_file", [OPENAI_RESPONSES, FILE]],
  ["item_reference", [OPENAI_RESPONSES, "the part that it refers to"]],
  ["tool-invocation", [UI, `${CALL}, and ${RESULT} in a tool message`]],
  ["dynamic-tool", [UI, `${CALL}, and ${RESULT} in a tool message`]],
  ["step-start", [UI, "the parts around it"]],
  ["source", [UI, "a note of the source in the message's metadata"]],
  ["source-url", [UI, "a note of the source in the message's metadata"]],
  ["source-document", [UI, "a note of the source in the message's metadata"]],
  ["tool_call", [LANGCHAIN, CALL]],
  ["tool_call_chunk", [LANGCHAIN, CALL]],
  ["invalid_tool_call", [LANGCHAIN, CALL]],
  ["server_tool_call", [LANGCHAIN, `${CALL} with providerExecuted: true`]],
  ["server_tool_call_result", [LANGCHAIN, RESULT]],
  ["non_standard", [LANGCHAIN, `one of ${[...SHAPES.values()].join(", ")}`]],
  ["text-plain", [LANGCHAIN, FILE]],
  ["audio", [LANGCHAIN, FILE]],
  ["video", [LANGCHAIN, FILE]],
]);

/** Calls of the Responses API; the type of their results is the same name with `_output`. */
const RESPONSES_CALLS: ReadonlySet<string> = new Set([
  "function_call",
  "custom_tool_call",
  "web_search_call",
  "file_search_call",
  "computer_call",
  "code_interpreter_call",
  "image_generation_call",
  "local_shell_call",
  "shell_call",
  "apply_patch_call",
  "mcp_call",
  "mcp_list_tools",
  "mcp_approval_request",
  "mcp_approval_response",
]);

/** Keys of a part without a type: the API that uses them, and the equivalent part here. */
const FOREIGN_KEYS: readonly (readonly [key: string, origin: string, expected: string])[] = [
  ["functionCall", "Gemini's API", CALL],
  ["functionResponse", "Gemini's API", RESULT],
  ["inlineData", "Gemini's API", FILE],
  ["fileData", "Gemini's API", FILE],
  ["executableCode", "Gemini's API", CALL],
  ["codeExecutionResult", "Gemini's API", RESULT],
  ["toolUse", "Bedrock's API", CALL],
  ["toolResult", "Bedrock's API", RESULT],
  ["reasoningContent", "Bedrock's API", REASONING],
  ["image", "Bedrock's API", IMAGE],
  ["document", "Bedrock's API", FILE],
  ["text", "the API of a provider", TEXT],
];

/** Keys of a whole message, passed where its content is expected. */
const MESSAGE_KEYS = ["role", "parts", "content", "tool_calls", "contents"];

/** The error for content that is neither a string nor an array of parts. */
export function wrongContent(content: JsonValue, path: string): MemoryError {
  const expected = `expected a string or an array of parts, such as [${TEXT}] or [${CALL}]`;
  if (content === null)
    return invalidInput(path, `is null, which only OpenAI's API allows next to tool_calls; ${expected}`);
  const isMessage = isJsonObject(content) && MESSAGE_KEYS.some((key) => key in content);
  if (isMessage) return invalidInput(path, `is a whole message in the format of a provider's API; ${expected}`);
  return invalidInput(path, `is neither a string nor an array of parts; ${expected}`);
}

/** The error for a part of another API, or undefined when the part may be one of ours. */
export function foreignPart(part: JsonObject, path: string): MemoryError | undefined {
  const { type } = part;
  if (type === undefined) {
    const [, origin, expected] = FOREIGN_KEYS.find(([key]) => key in part) ?? [];
    return origin === undefined ? undefined : foreign(`${path}.type`, "is missing", origin, expected);
  }
  if (typeof type !== "string") return undefined;
  const [origin, expected] = foreignType(type, part) ?? [];
  return origin === undefined ? undefined : foreign(`${path}.type`, `is ${type}`, origin, expected);
}

function foreignType(type: string, part: JsonObject): readonly [origin: string, expected: string] | undefined {
  const listed = FOREIGN_TYPES.get(type);
  if (listed !== undefined) return listed;
  if (RESPONSES_CALLS.has(type)) return [OPENAI_RESPONSES, CALL];
  if (type.endsWith("_output") && RESPONSES_CALLS.has(type.slice(0, -"_output".length)))
    return [OPENAI_RESPONSES, RESULT];
  const isToolOfUi = type.startsWith("tool-") && "toolCallId" in part && "state" in part;
  if (isToolOfUi) return [UI, `${CALL}, and ${RESULT} in a tool message`];
  if (type.startsWith("data-") && "data" in part) return [UI, "the data in the message's metadata"];
  return undefined;
}

function foreign(path: string, problem: string, origin: string, expected: string | undefined): MemoryError {
  return invalidInput(path, `${problem}: the part has the format of ${origin}; expected ${expected}`);
}
