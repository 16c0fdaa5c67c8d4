/** Transcripts: JSON Lines, one event a line, checked whole before any of it is replayed. */
import { readFile } from "node:fs/promises";
import type { MessageContent } from "@rivet/memory-core";
import { z } from "zod";

const json = z.record(z.string(), z.json());
const part = z.looseObject({ type: z.string().min(1) });

const event = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("session"), userId: z.string().min(1), metadata: json.default({}) }),
  z.strictObject({
    type: z.literal("message"),
    role: z.enum(["user", "assistant", "system", "tool"]),
    content: z.union([z.string(), z.array(part)]).transform((content) => content as MessageContent),
    metadata: json.default({}),
  }),
  z.strictObject({
    type: z.literal("atom"),
    memoryType: z.string().min(1),
    content: z.json(),
    metadata: json.default({}),
  }),
  z.strictObject({ type: z.literal("metadata"), set: json.default({}), removed: z.array(z.string()).default([]) }),
]);

type Event = z.infer<typeof event>;
type SessionEvent = Extract<Event, { type: "session" }>;
export type TurnEvent = Exclude<Event, SessionEvent>;

export interface Transcript {
  readonly session: SessionEvent;
  /** What happens between two saves: from a message of the user to the next. */
  readonly turns: readonly (readonly TurnEvent[])[];
}

/** What is wrong with a transcript, for a person to read. */
export class TranscriptError extends Error {
  override readonly name = "TranscriptError";
}

/** @throws {TranscriptError} naming the first bad line by its number. */
export async function readTranscript(path: string): Promise<Transcript> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TranscriptError(`The transcript ${path} cannot be read: ${reason}`, { cause });
  }
  return parseTranscript(text, path);
}

/** @throws {TranscriptError} naming the first bad line by its number. */
function parseTranscript(text: string, path: string): Transcript {
  const [first, ...others] = text
    .split(/\r?\n/)
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => line.trim() !== "")
    .map(({ line, number }) => ({ number, event: parseLine(line, `${path}, line ${number}`) }));
  if (first === undefined) throw new TranscriptError(`${path} is empty; expected one JSON object a line`);
  if (first.event.type !== "session") {
    throw new TranscriptError(`${path}, line ${first.number}: the first line must be of type "session"`);
  }
  const turns: TurnEvent[][] = [];
  for (const { number, event: next } of others) {
    if (next.type === "session") {
      throw new TranscriptError(`${path}, line ${number}: only the first line may be of type "session"`);
    }
    const turn = turns.at(-1);
    if (turn === undefined || (isQuestion(next) && turn.some(isQuestion))) turns.push([next]);
    else turn.push(next);
  }
  return { session: first.event, turns };
}

function isQuestion(event: TurnEvent): boolean {
  return event.type === "message" && event.role === "user";
}

function parseLine(line: string, place: string): Event {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new TranscriptError(`${place}: this is not JSON (${cause instanceof Error ? cause.message : "?"})`, {
      cause,
    });
  }
  const result = event.safeParse(value);
  if (result.success) return result.data;
  throw new TranscriptError(`${place}:\n${z.prettifyError(result.error)}`);
}
