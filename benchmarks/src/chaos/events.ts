/**
 * The log of a writer: its attempts and their results, one per line. Each line is written before the next step, so that
 * it survives when the writer is killed.
 */
import { closeSync, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { z } from "zod";

/** In the content of each atom that a writer makes, between < and >, and in no other's. */
const token = z.string();
const sessionId = z.string();

const writerEvent = z.discriminatedUnion("event", [
  z.object({
    event: z.literal("attempted"),
    sessionId,
    /** In their order. An id that the writer does not learn is missing. */
    atoms: z.array(z.object({ token, id: z.string().optional() })),
    /** The last message that the writer's session held then, of those that its clock follows. */
    afterId: z.string().optional(),
    /** The last one, where it is too far ahead of the writer's clock to be followed. */
    beforeId: z.string().optional(),
    /** The writer's clock when the ids were made, and the machine's own. */
    clockMs: z.number(),
    atMs: z.number(),
  }),
  z.object({
    event: z.literal("acknowledged"),
    atMs: z.number(),
    tokens: z.array(token),
    acceptedBy: z.array(z.string()),
  }),
  /** A whole session, where there are no tokens. */
  z.object({ event: z.literal("deleting"), sessionId, tokens: z.array(token).optional() }),
  z.object({ event: z.literal("deleted"), sessionId, tokens: z.array(token).optional() }),
  /** A session that another writer knows; not complete when it lacks what had been acknowledged to that one. */
  z.object({ event: z.literal("read"), sessionId, isComplete: z.boolean() }),
  /** Its own messages that the session then lacked. */
  z.object({ event: z.literal("refreshed"), sessionId, missing: z.array(token) }),
  z.object({
    event: z.literal("failed"),
    sessionId,
    operation: z.string(),
    code: z.string(),
    message: z.string(),
  }),
  /** The new state of a provider for the writer, and the error that caused it. */
  z.object({
    event: z.literal("provider"),
    atMs: z.number(),
    name: z.string(),
    state: z.string(),
    reason: z.string().optional(),
  }),
]);
export type WriterEvent = z.infer<typeof writerEvent>;

export class EventLog implements Disposable {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, "a");
  }

  add(event: WriterEvent): void {
    writeSync(this.#file, `${JSON.stringify(event)}\n`);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

/** None, of a writer that ended before it began. */
export function readEvents(path: string): WriterEvent[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n");
  // What follows the last line feed is empty, or a line that a kill cut short.
  return lines.slice(0, -1).map((line) => writerEvent.parse(JSON.parse(line)));
}
