import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AtomClock, Session, type MemoryStorage } from "@rivet/memory-core";
import { medianTimes } from "./measure.ts";

/** A turn is a question and an answer of 290 characters each. */
export const QUESTION = "The drive in line 3 trips with F0002 when it slows down. ".repeat(6).slice(0, 290);
export const ANSWER = "F0002 is an overvoltage of the DC link: lengthen the ramp. ".repeat(6).slice(0, 290);

export const USER = "technician-7";

export function addTurn(session: Session): void {
  session.addUserMessage(QUESTION);
  session.addAssistantMessage(ANSWER);
}

export function saveTurn(session: Session): Promise<unknown> {
  addTurn(session);
  return session.save();
}

/** A saved session that holds so many messages. */
export async function sessionOf(storage: MemoryStorage, messages: number): Promise<Session> {
  const session = new Session({ userId: USER, storage, metadata: { title: "Drive in line 3", plant: "north" } });
  while (session.history.length < messages) {
    for (let index = 0; index < 1_000 && session.history.length < messages; index++) session.addUserMessage(QUESTION);
    await session.save();
  }
  await session.save();
  return session;
}

/** The times of an append to a session of 100,000 messages, and to one of 100 for reference. */
export async function appendToLongAndShort(storage: MemoryStorage): ReturnType<typeof medianTimes> {
  const long = await sessionOf(storage, 100_000);
  const short = await sessionOf(storage, 100);
  const append = (session: Session) => () => saveTurn(session);
  return medianTimes({ ours: append(long), reference: append(short), rounds: 1_000 });
}

/** Fills a storage with sessions of so many atoms each, the first of each being its metadata. */
export async function fill(storage: MemoryStorage, sessions: number, atomsPerSession: number): Promise<void> {
  const clock = new AtomClock();
  for (let number = 0; number < sessions; number++) {
    const sessionId = `session_${clock.next()}`;
    const first = {
      sessionId,
      userId: USER,
      memoryType: "session_metadata",
      content: { set: { title: `Drive ${number}`, plant: "north" }, removed: [] },
    };
    const messages = Array.from({ length: atomsPerSession - 1 }, (_, index) => ({
      sessionId,
      userId: USER,
      memoryType: index % 2 === 0 ? "message_user" : "message_assistant",
      content: index % 2 === 0 ? QUESTION : ANSWER,
    }));
    await storage.saveMemoryAtoms([first, ...messages]);
  }
}

/** Runs with a folder that is gone afterwards. */
export async function inTemporaryFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "rivet-bench-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
