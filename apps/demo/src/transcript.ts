/** Reads transcripts: JSON Lines, one event per line. The whole file is checked before any event is replayed. */
import { readFile } from "node:fs/promises";
import type { NewMessageContent } from "@rivet/memory-core";
import { z } from "zod";
import { jsonObject, jsonValue } from "./json.ts";

const NO_METADATA = {};
const ROLES = ["user", "assistant", "system", "tool"] as const;

const messageContent = z.custom<NewMessageContent>(
  (value) => typeof value === "string" || Array.isArray(value),
  "expected a string or an array of parts",
);

const event = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("session"), userId: z.string().min(1), metadata: jsonObject.default(NO_METADATA) }),
  z.strictObject({
    type: z.literal("message"),
    role: z.enum(ROLES),
    content: messageContent,
    metadata: jsonObject.default(NO_METADATA),
  }),
  z.strictObject({
    type: z.literal("atom"),
    memoryType: z.string().min(1),
    content: jsonValue,
    metadata: jsonObject.default(NO_METADATA),
  }),
  z.strictObject({
    type: z.literal("metadata"),
    set: jsonObject.default(NO_METADATA),
    removed: z.array(z.string()).default([]),
  }),
]);

type Event = z.infer<typeof event> & { readonly line: number };
export type SessionEvent = Extract<Event, { type: "session" }>;
export type MessageEvent = Extract<Event, { type: "message" }>;
export type TurnEvent = Exclude<Event, SessionEvent>;

export interface Transcript {
  readonly path: string;
  readonly session: SessionEvent;
  /** The events between two saves: from one message of the user to the next. */
  readonly turns: readonly (readonly TurnEvent[])[];
}

/** An error in a transcript, with a message for the user. */
export class TranscriptError extends Error {
  override readonly name = "TranscriptError";
}

/** @throws {TranscriptError} with the number of the first bad line. */
export async function readTranscript(path: string): Promise<Transcript> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new TranscriptError(`The transcript ${path} cannot be read: ${reasonOf(cause)}`, { cause });
  }
  return parseTranscript(bytes, path);
}

function parseTranscript(bytes: Buffer, path: string): Transcript {
  const [first, ...others] = parseLines(bytes, path);
  if (first === undefined) throw new TranscriptError(`${path} is empty; expected one JSON object per line`);
  if (first.type !== "session") {
    throw new TranscriptError(`${path}, line ${first.line}: the first line must be of type "session"`);
  }
  const turns: TurnEvent[][] = [];
  for (const next of others) {
    if (next.type === "session") {
      throw new TranscriptError(`${path}, line ${next.line}: only the first line may be of type "session"`);
    }
    const turn = turns.at(-1);
    if (turn === undefined || (isQuestion(next) && turn.some(isQuestion))) turns.push([next]);
    else turn.push(next);
  }
  if (turns.length === 0) {
    throw new TranscriptError(
      `${path} contains only its session, in line ${first.line}: there is nothing to replay; add messages`,
    );
  }
  return { path, session: first, turns };
}

function isQuestion(event: TurnEvent): boolean {
  return event.type === "message" && event.role === "user";
}

function parseLines(bytes: Buffer, path: string): Event[] {
  const events: Event[] = [];
  // Split as Latin-1, which preserves all bytes, so that a line that is not UTF-8 is reported with its number.
  for (const [index, latin1] of bytes.toString("latin1").split("\n").entries()) {
    const line = index + 1;
    const place = `${path}, line ${line}`;
    const text = decodeUtf8(Buffer.from(latin1, "latin1"), place);
    if (text.trim() !== "") events.push({ ...parseEvent(text, place), line });
  }
  return events;
}

function decodeUtf8(bytes: Buffer, place: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new TranscriptError(`${place}: this is not UTF-8 text`, { cause });
  }
}

function parseEvent(text: string, place: string): z.infer<typeof event> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TranscriptError(`${place}: this is not JSON (${reasonOf(cause)})`, { cause });
  }
  const result = event.safeParse(value);
  if (result.success) return result.data;
  throw new TranscriptError(`${place}:\n${z.prettifyError(result.error)}`);
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
