/** Answers from a model instead of the script, if the visitor has an API key. */
import type { Message } from "@rivet/memory-core";

const INSTRUCTIONS =
  "You help a technician with the drives of a plant. Answer in at most three sentences, and say so when you do not know.";
const DEFAULT_MODEL = "gpt-5-mini";

export type Answer = (history: readonly Message[]) => Promise<string>;

/** @returns undefined without OPENAI_API_KEY. DEMO_MODEL selects a model other than the default. */
export async function modelFrom(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Answer | undefined> {
  const apiKey = environment["OPENAI_API_KEY"];
  if (apiKey === undefined || apiKey === "") return undefined;
  const [{ generateText }, { createOpenAI }] = await Promise.all([import("ai"), import("@ai-sdk/openai")]);
  const baseURL = environment["OPENAI_BASE_URL"];
  const provider = createOpenAI({ apiKey, ...(baseURL === undefined ? {} : { baseURL }) });
  const model = provider(environment["DEMO_MODEL"] ?? DEFAULT_MODEL);
  return async (history) => {
    const { text } = await generateText({
      model,
      system: INSTRUCTIONS,
      messages: history.flatMap(({ role, content }) =>
        (role === "user" || role === "assistant") && typeof content === "string" ? [{ role, content }] : [],
      ),
    });
    return text;
  };
}
