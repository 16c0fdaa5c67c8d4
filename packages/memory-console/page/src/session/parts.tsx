import { useState, type ReactNode } from "react";
import type { JsonObject, JsonValue } from "@rivet/memory-core";
import type { AtomEntry } from "../../../src/wire.ts";
import { beginning } from "../../../src/reading/excerpt.ts";
import { counted } from "../format.ts";
import { isJsonObject } from "../json.ts";
import { CodeBlock, RichText } from "../text/rich-text.tsx";
import { visible } from "../text/visible.ts";
import type { ToolResult } from "./timeline-items.ts";

/** The content of a message: a text, or its parts in their order. */
export function MessageContent({ atom, results }: { atom: AtomEntry; results: readonly ToolResult[] }): ReactNode {
  const { content } = atom;
  if (typeof content === "string") return <FoldedText text={content} />;
  if (!Array.isArray(content)) return <Json value={content} />;
  return content.map((part, index) => <Part key={index} part={part} image={atom.images[index]} results={results} />);
}

interface PartProps {
  readonly part: JsonValue;
  readonly image: string | undefined;
  readonly results: readonly ToolResult[];
}

function Part({ part, image, results }: PartProps): ReactNode {
  if (!isJsonObject(part)) return <Json value={part} />;
  const { type, text, toolCallId, toolName, input, output, filename } = part;
  const name = typeof toolName === "string" ? toolName : "tool";
  if (image !== undefined) {
    const label = typeof filename === "string" ? filename : "Image of this message";
    return <img className="picture" src={image} alt={label} loading="lazy" />;
  }
  if (type === "text" && typeof text === "string") return <FoldedText text={text} />;
  if (type === "reasoning" && typeof text === "string") {
    return (
      <details className="fold">
        <summary>
          <span className="fold-name">Reasoning</span>
          <span className="fold-brief">{brief(text)}</span>
        </summary>
        <RichText text={text} />
      </details>
    );
  }
  if (type === "tool-call") {
    const result = results.find((one) => one.toolCallId === toolCallId);
    return <ToolFold name={name} input={input ?? null} output={result?.output} isAnswered={result !== undefined} />;
  }
  if (type === "tool-result") return <ToolFold name={name} output={output ?? null} isAnswered />;
  if (type === "image" || type === "file") return <Attachment part={part} />;
  return <Json value={part} />;
}

interface ToolFoldProps {
  readonly name: string;
  readonly input?: JsonValue;
  readonly output: JsonValue | undefined;
  readonly isAnswered: boolean;
}

/** A call and what came of it, in one line until somebody wants to know. */
export function ToolFold({ name, input, output, isAnswered }: ToolFoldProps): ReactNode {
  const { value, isFailed } = readOutput(output);
  const state = isFailed ? "failed" : isAnswered ? "done" : "open";
  return (
    <details className="fold tool" data-state={state}>
      <summary>
        <span className="fold-name">{visible(name)}</span>
        <span className="fold-brief">
          {input === undefined ? null : <span className="arguments">{brief(input)}</span>}
          <span aria-hidden="true"> → </span>
          <span>{isAnswered ? brief(value) : "no result yet"}</span>
        </span>
      </summary>
      {input === undefined ? null : (
        <section>
          <h4>Input</h4>
          <Json value={input} />
        </section>
      )}
      <section>
        <h4>{isFailed ? "Error" : "Result"}</h4>
        {isAnswered ? <Json value={value} /> : <p className="quiet">No result is stored for this call.</p>}
      </section>
    </details>
  );
}

function readOutput(output: JsonValue | undefined): { value: JsonValue; isFailed: boolean } {
  if (!isJsonObject(output) || typeof output["type"] !== "string") return { value: output ?? null, isFailed: false };
  const { type, value, reason } = output;
  const isFailed = type.startsWith("error") || type === "execution-denied";
  return { value: value ?? reason ?? output, isFailed };
}

/** An attachment. Content at another address is named and never fetched. */
function Attachment({ part }: { part: JsonObject }): ReactNode {
  const { type, image, data, mediaType, filename } = part;
  const source = type === "image" ? image : data;
  const place = typeof source === "string" && /^https?:/.test(source) ? source : undefined;
  const name = typeof filename === "string" ? filename : undefined;
  return (
    <p className="attachment">
      <span className="tag">{type === "image" ? "image" : "file"}</span> {visible(name ?? place ?? "")}
      {typeof mediaType === "string" ? <span className="quiet"> {visible(mediaType)}</span> : null}
      {place === undefined ? null : <span className="quiet"> · elsewhere, and not fetched</span>}
    </p>
  );
}

/** From here on a text is folded, so that one message does not hide the others. */
const FOLDED_FROM = 2_400;
const FOLDED_TO = 1_200;

function FoldedText({ text }: { text: string }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  if (text.length <= FOLDED_FROM) return <RichText text={text} />;
  return (
    <>
      <RichText text={isOpen ? text : `${beginning(text, FOLDED_TO)}…`} />
      <button type="button" className="link" onClick={() => setOpen(!isOpen)}>
        {isOpen ? "Show less" : `Show ${counted(text.length - FOLDED_TO, "more character")}`}
      </button>
    </>
  );
}

export function Json({ value }: { value: JsonValue }): ReactNode {
  return <CodeBlock text={typeof value === "string" ? value : JSON.stringify(value, undefined, 2)} />;
}

const BRIEF = 120;

function brief(value: JsonValue): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const line = visible(beginning(text, BRIEF * 2)).replaceAll(/\s+/g, " ");
  return line.length > BRIEF ? `${beginning(line, BRIEF)}…` : line;
}
