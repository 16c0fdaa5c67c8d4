import { z } from "zod";

/** Each works on one session at a time. */
export const AGENTS_PER_WRITER = 6;

export const writerSettings = z.object({
  /** How it writes: with Rivet Memory, or as people write it by hand. */
  kind: z.enum(["rivet", "naive"]),
  number: z.number(),
  /** How often it was killed before. */
  life: z.number(),
  providers: z.array(z.object({ name: z.string(), connectionString: z.string() })),
  journalPath: z.string(),
  eventsPath: z.string(),
  seed: z.number(),
  /** How far its clock is ahead of this machine's. */
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

/** What a writer is told on its standard input, as JSON. */
export const writerCommand = z.discriminatedUnion("command", [
  z.object({ command: z.literal("take"), session: handedSession }),
  z.object({ command: z.literal("skew"), skewMs: z.number() }),
  /** To write no more, and to stay. */
  z.object({ command: z.literal("stop") }),
]);
export type WriterCommand = z.infer<typeof writerCommand>;
