import { z } from "zod";

/** Each works on one session at a time. */
export const AGENTS_PER_WRITER = 6;

export const writerSettings = z.object({
  /** The kind of writer: with Rivet Memory, or hand-written. */
  kind: z.enum(["rivet", "naive"]),
  number: z.number(),
  /** The number of times that it was killed before. */
  life: z.number(),
  providers: z.array(z.object({ name: z.string(), connectionString: z.string() })),
  journalPath: z.string(),
  eventsPath: z.string(),
  seed: z.number(),
  /** The lead of its clock over that of this machine. */
  skewMs: z.number(),
});
export type WriterSettings = z.infer<typeof writerSettings>;

/** A session that another writer is to go on with. */
export const handedSession = z.object({
  sessionId: z.string(),
  /** The last message that was acknowledged in it. */
  throughId: z.string(),
});
export type HandedSession = z.infer<typeof handedSession>;

/** The commands that a writer receives on its standard input, as JSON. */
export const writerCommand = z.discriminatedUnion("command", [
  z.object({ command: z.literal("take"), session: handedSession }),
  z.object({ command: z.literal("skew"), skewMs: z.number() }),
  /** To write no more, and to stay. */
  z.object({ command: z.literal("stop") }),
]);
export type WriterCommand = z.infer<typeof writerCommand>;
