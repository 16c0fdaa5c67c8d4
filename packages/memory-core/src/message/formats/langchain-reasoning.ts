/**
 * Converts the reasoning of a model to the form that LangChain's client for its provider uses. The form includes the
 * signature or the encrypted text; without it, the provider refuses the tool call after it, or reasons again.
 *
 * The AI SDK keeps both in the provider options of a part. A client reads only the reasoning of its own provider.
 */
import { isJsonObject, type JsonObject } from "../../json/json.ts";
import type { MessagePart, ReasoningPart } from "../message.ts";

export type LangChainReasoning =
  | {
      type: "reasoning";
      reasoning: string;
      /** Anthropic's. */
      signature?: string;
      /** OpenAI's: the item of the Responses API. */
      id?: string;
      summary?: { type: "summary_text"; text: string }[];
      encrypted_content?: string;
    }
  /** Google's. */
  | { type: "thinking"; thinking: string; signature: string }
  /** Data that only the provider can read, unchanged. */
  | { type: "non_standard"; value: JsonObject };

/** The provider that signed the reasoning of a message; undefined when no provider signed any of it. */
export type ReasoningProvider = "anthropic" | "openai" | "google" | undefined;

/** The keys under which the AI SDK's packages keep their options. */
const OPTION_NAMES: Readonly<Record<NonNullable<ReasoningProvider>, readonly string[]>> = {
  anthropic: ["anthropic", "bedrock", "vertexAnthropic"],
  openai: ["openai", "azure"],
  google: ["google", "vertex", "googleVertex"],
};
const SIGNED_BY: Readonly<Record<NonNullable<ReasoningProvider>, readonly string[]>> = {
  anthropic: ["signature", "redactedData"],
  openai: ["itemId", "reasoningEncryptedContent"],
  google: ["thoughtSignature"],
};

export function reasoningProviderOf(parts: readonly MessagePart[]): ReasoningProvider {
  const providers = ["google", "anthropic", "openai"] as const;
  return providers.find((provider) =>
    parts.some((part) => {
      // Google signs calls too. The items of OpenAI's calls and texts are not reasoning.
      const isSigned = part.type === "reasoning" || (provider === "google" && part.type === "tool-call");
      return isSigned && SIGNED_BY[provider].some((name) => optionOf(part, provider, name) !== undefined);
    }),
  );
}

/** The text of a provider-specific option of a part. */
export function optionOf(
  part: MessagePart,
  provider: NonNullable<ReasoningProvider>,
  name: string,
): string | undefined {
  const options = "providerOptions" in part ? part.providerOptions : undefined;
  for (const key of OPTION_NAMES[provider]) {
    const own: unknown = options?.[key];
    const value = isJsonObject(own) ? own[name] : undefined;
    if (typeof value === "string") return value;
  }
  return undefined;
}

/** The block for a reasoning part. */
export function toReasoning(part: ReasoningPart, provider: ReasoningProvider): LangChainReasoning {
  const { text } = part;
  switch (provider) {
    case "anthropic": {
      const data = optionOf(part, provider, "redactedData");
      if (data !== undefined) return { type: "non_standard", value: { type: "redacted_thinking", data } };
      const signature = optionOf(part, provider, "signature");
      return { type: "reasoning", reasoning: text, ...(signature === undefined ? {} : { signature }) };
    }
    case "openai": {
      const id = optionOf(part, provider, "itemId");
      const encrypted = optionOf(part, provider, "reasoningEncryptedContent");
      return {
        type: "reasoning",
        reasoning: text,
        ...(id === undefined ? {} : { id }),
        ...(encrypted === undefined ? {} : { encrypted_content: encrypted }),
      };
    }
    case "google": {
      const signature = optionOf(part, provider, "thoughtSignature") ?? "";
      return { type: "thinking", thinking: text, signature };
    }
    default:
      return { type: "reasoning", reasoning: text };
  }
}

/** Joins the blocks with the summaries of one item of the Responses API, which the AI SDK keeps as separate parts. */
export function mergedItems<Block extends { type: string }>(
  blocks: readonly (Block | LangChainReasoning)[],
): (Block | LangChainReasoning)[] {
  const merged: (Block | LangChainReasoning)[] = [];
  for (const block of blocks) {
    const last = merged.at(-1);
    const isSameItem = isItem(block) && last !== undefined && isItem(last) && last.id === block.id;
    if (isSameItem) merged[merged.length - 1] = joined(last, block);
    else merged.push(block);
  }
  return merged;
}

type ReasoningItem = Extract<LangChainReasoning, { type: "reasoning" }> & { id: string };

function isItem(block: { type: string }): block is ReasoningItem {
  return block.type === "reasoning" && "id" in block && typeof block.id === "string";
}

function joined(first: ReasoningItem, second: ReasoningItem): ReasoningItem {
  const summary = [...(first.summary ?? [summaryOf(first)]), summaryOf(second)];
  const encrypted = second.encrypted_content ?? first.encrypted_content;
  return {
    ...first,
    reasoning: first.reasoning + second.reasoning,
    summary,
    ...(encrypted === undefined ? {} : { encrypted_content: encrypted }),
  };
}

function summaryOf({ reasoning }: ReasoningItem): { type: "summary_text"; text: string } {
  return { type: "summary_text", text: reasoning };
}
