import { readFileSync } from "node:fs";
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, it } from "vitest";
import { estimateTokens, type MessageContent } from "../src/index.ts";
import { messageOf } from "./messages.ts";
import { TOKEN_SAMPLES } from "./token-samples.ts";

const FRAME = 4;

function estimate(content: MessageContent): number {
  return estimateTokens(messageOf("user", content));
}

/** The error of a text's estimate, in percent; negative when tokens were missed. */
function errorOf(text: string): number {
  return 100 * ((estimate(text) - FRAME) / countTokens(text) - 1);
}

/** The rows of the table in the docstring, as `kind → "mean worst"`. */
function documentedErrors(): Map<string, string> {
  const source = readFileSync(new URL("../src/message/token-estimate.ts", import.meta.url), "utf8");
  const rows = source.matchAll(/^ \* \| (.+) \| (\d+ %) \| ([−+]\d+ %) \|$/gm);
  return new Map(Array.from(rows, ([, kind = "", mean, worst]) => [kind, `${mean} ${worst}`]));
}

function percent(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.round(Math.abs(value))} %`;
}

describe("estimateTokens", () => {
  it.each(Object.entries(TOKEN_SAMPLES))("has the documented error for %s", (kind, texts) => {
    const errors = texts.map(errorOf);
    const mean = errors.reduce((sum, error) => sum + Math.abs(error), 0) / errors.length;
    const worst = errors.reduce((left, right) => (Math.abs(left) > Math.abs(right) ? left : right));
    expect(documentedErrors().get(kind)).toBe(`${Math.round(mean)} % ${percent(worst)}`);
  });

  it("documents no kind that has no samples", () => {
    expect([...documentedErrors().keys()].toSorted()).toEqual(Object.keys(TOKEN_SAMPLES).toSorted());
  });

  it("counts four tokens for a message without text", () => {
    expect(estimate("")).toBe(FRAME);
    expect(estimate([])).toBe(FRAME);
  });

  it("counts the parts of a message as it counts their text", () => {
    const text = "The drive trips with F0002.";
    expect(estimate([{ type: "text", text }])).toBe(estimate(text));
    expect(estimate([{ type: "reasoning", text }])).toBe(estimate(text));
  });

  it("counts a tool call and its result within a quarter of their JSON", () => {
    const input = { drive: "D7", parameters: ["P1121", "P1240"], since: "2025-03-04" };
    const call = estimate([{ type: "tool-call", toolCallId: "call_1", toolName: "readDrive", input }]);
    const output = { type: "json" as const, value: input };
    const result = estimate([{ type: "tool-result", toolCallId: "call_1", toolName: "readDrive", output }]);
    const counted = countTokens(`readDrive${JSON.stringify(input)}`) + FRAME;
    expect(Math.abs(call / counted - 1)).toBeLessThan(0.25);
    expect(Math.abs(result / (countTokens(JSON.stringify(input)) + FRAME) - 1)).toBeLessThan(0.25);
  });

  it("counts an image as 1,000 tokens, whatever the size of its base64", () => {
    expect(estimate([{ type: "image", image: "A".repeat(1_000_000) }])).toBe(1_000 + FRAME);
    expect(estimate([{ type: "image", image: "https://example.com/drive.png" }])).toBe(1_000 + FRAME);
  });

  it("counts another file by its base64", () => {
    const data = "A".repeat(6_400);
    expect(estimate([{ type: "file", data, mediaType: "application/pdf" }])).toBe(1_100 + FRAME);
  });

  it("counts an image that a tool returned as an image", () => {
    const item = { type: "image-data", data: "A".repeat(1_000_000), mediaType: "image/png" };
    const output = { type: "content" as const, value: [item, { type: "text", text: "" }] };
    expect(estimate([{ type: "tool-result", toolCallId: "call_1", toolName: "photo", output }])).toBe(1_000 + FRAME);
  });
});
