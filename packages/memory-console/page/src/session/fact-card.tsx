import type { ReactNode } from "react";
import type { JsonObject, JsonValue } from "@rivet/memory-core";
import type { AtomEntry } from "../../../src/wire.ts";
import { isJsonObject } from "../json.ts";
import { RichText } from "../text/rich-text.tsx";
import { visible } from "../text/visible.ts";
import { Json } from "./parts.tsx";

/** Fields that say in a word how things stand. */
const STATES: readonly string[] = ["state", "status", "severity", "priority", "level"];
/** Fields that say what the fact is about, the first of them first. */
const TITLES: readonly string[] = ["title", "summary", "decision", "action", "issue", "description", "text", "message"];

/** A fact that an agent derived, as a card: what it is about, how sure, how it stands, and all else in a table. */
export function FactCard({ atom }: { atom: AtomEntry }): ReactNode {
  const { content } = atom;
  const fields = isJsonObject(content) ? Object.entries(content) : [];
  const title = titleOf(fields);
  const states = fields.filter(([name, value]) => STATES.includes(name) && isWord(value));
  const confidence = confidenceOf(fields);
  const shown = new Set([title, confidence, ...states].map((field) => field?.[0]));
  const rest = fields.filter(([name]) => !shown.has(name));
  return (
    <div className="card">
      {title === undefined ? null : (
        <div className="card-title">
          <RichText text={title[1]} />
        </div>
      )}
      {states.length === 0 && confidence === undefined ? null : (
        <p className="card-states">
          {states.map(([name, value]) => (
            <span key={name} className="tag">
              {visible(name)}: {visible(String(value))}
            </span>
          ))}
          {confidence === undefined ? null : <Confidence value={confidence[1]} />}
        </p>
      )}
      {isJsonObject(content) ? <Fields fields={rest} /> : <Value value={content} />}
    </div>
  );
}

type Field = readonly [name: string, value: JsonValue];

function titleOf(fields: readonly Field[]): readonly [string, string] | undefined {
  for (const name of TITLES) {
    for (const [field, value] of fields) if (field === name && typeof value === "string") return [field, value];
  }
  return undefined;
}

function confidenceOf(fields: readonly Field[]): readonly [string, number] | undefined {
  for (const [name, value] of fields) {
    if (name === "confidence" && typeof value === "number" && value >= 0 && value <= 1) return [name, value];
  }
  return undefined;
}

function isWord(value: JsonValue): boolean {
  return typeof value === "string" && value.length <= 24;
}

function Confidence({ value }: { value: number }): ReactNode {
  const percent = Math.round(value * 100);
  return (
    <span className="confidence">
      <meter min={0} max={1} value={value} aria-label={`Confidence ${percent} %`} />
      <span aria-hidden="true">{percent} % sure</span>
    </span>
  );
}

export function Fields({ fields }: { fields: readonly Field[] }): ReactNode {
  if (fields.length === 0) return null;
  return (
    <dl className="fields">
      {fields.map(([name, value]) => (
        <div key={name}>
          <dt>{visible(name)}</dt>
          <dd>
            <Value value={value} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Value({ value }: { value: JsonValue }): ReactNode {
  if (typeof value === "string") return <RichText text={value} />;
  if (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item !== "object")) {
    return value.map((item, index) => (
      <span key={index} className="chip">
        {visible(String(item))}
      </span>
    ));
  }
  if (isJsonObject(value) && isFlat(value)) return <Fields fields={Object.entries(value)} />;
  return typeof value === "object" && value !== null ? <Json value={value} /> : String(value);
}

function isFlat(value: JsonObject): boolean {
  return Object.values(value).every((inner) => typeof inner !== "object" || inner === null);
}
