/** The commands of the demo, step by step; `main.ts` only parses the command line. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { isHistoryType, MemoryError, openStorage, type MemoryAtom, type MemoryStorage } from "@rivet/memory-core";
import { AcknowledgementLog, readAcknowledgements } from "./acknowledgements.ts";
import { rehearse } from "./rehearsal.ts";
import { tellFailoverStory } from "./failover-story.ts";
import { findPlace, OWN_FILE, type Place } from "./place.ts";
import { replay } from "./replay.ts";
import { runSecondProcess } from "./second-process.ts";
import * as terminal from "./terminal.ts";
import { readTranscript, type Transcript } from "./transcript.ts";
import { verify } from "./verify.ts";

const CONTEXT_TOKENS = 500;

export interface DemoOptions {
  readonly backend?: string;
  readonly transcript: string;
  readonly keep: boolean;
  /** The path of the failover picture. */
  readonly picture?: string;
}

/**
 * Replays the transcript and verifies the result: without a backend, while servers fail; otherwise into that backend.
 * @returns the exit code.
 */
export async function runDemo({ backend, transcript: path, keep, picture }: DemoOptions): Promise<number> {
  const transcript = await readTranscript(resolve(path));
  await rehearse(transcript);
  const folder = mkdtempSync(join(tmpdir(), "rivet-demo-"));
  const isKept = keep && backend === OWN_FILE;
  // Runs on every exit, including errors and Ctrl-C.
  process.once("exit", () => {
    if (!isKept) rmSync(folder, { recursive: true, force: true });
  });
  if (backend === undefined) {
    return tellFailoverStory(transcript, { journalPath: join(folder, "journal.db"), picturePath: picture });
  }
  await using place = await findPlace(backend, folder);
  process.once("exit", () => {
    const file = /^sqlite:(.+)$/s.exec(place.url)?.[1];
    if (keep && file !== undefined && existsSync(file)) terminal.note(`\nkept: ${resolve(file)}`);
  });
  return await replayAndVerify(place, transcript, join(folder, "acknowledged.jsonl"));
}

/** Serves the story on a page until the process receives a signal. */
export async function runWeb(): Promise<number> {
  const { startWebDemo } = await import("./web/web-demo.ts");
  const folder = mkdtempSync(join(tmpdir(), "rivet-demo-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  terminal.heading("Three PostgreSQL servers, a local journal, and a page to see what becomes of a conversation");
  const demo = await startWebDemo({ journalPath: join(folder, "journal.db"), environment: process.env });
  terminal.note("open it in a browser on this machine; Ctrl-C stops it");
  console.log(demo.url);
  // Waits until a signal ends the process, and the servers with it.
  return new Promise<never>(() => {});
}

async function replayAndVerify(place: Place, transcript: Transcript, acknowledgedFile: string): Promise<number> {
  const { url } = place;
  {
    await using storage = await openStorage(url);
    await replayWithProgress(transcript, storage, acknowledgedFile);
    if (url.startsWith("memory:") || url === "sqlite::memory:") {
      terminal.note(`\n${url} exists only in this process, so this process reads it back`);
      return await report(storage, acknowledgedFile);
    }
  }
  const { backend, environment } = place.forSecondProcess;
  return runSecondProcess(["verify", "--backend", backend, "--acknowledged", acknowledgedFile], environment);
}

async function replayWithProgress(transcript: Transcript, storage: MemoryStorage, file: string): Promise<void> {
  const turns = transcript.turns.length;
  terminal.heading(`This process (${process.pid}) saves each turn of the conversation: ${turns}`);
  using log = new AcknowledgementLog(file);
  using progress = terminal.showProgress(turns);
  let total = 0;
  await replay(transcript, storage, (turn, acknowledged) => {
    log.add(acknowledged);
    total += acknowledged.length;
    progress.update(turn, total);
  });
}

/** Runs the second process. @returns the exit code. */
export async function runVerify(options: { backend: string; acknowledged: string }): Promise<number> {
  terminal.heading(`A second process (${process.pid}) opens what the first one left`);
  await using storage = await openStorage(options.backend);
  return await report(storage, options.acknowledged);
}

async function report(storage: MemoryStorage, acknowledgedFile: string): Promise<number> {
  const acknowledged = readAcknowledgements(acknowledgedFile);
  const sessionId = acknowledged[0]?.sessionId;
  if (sessionId !== undefined) await printWhatIsThere(storage, sessionId);
  const problems = await verify(storage, acknowledged);
  console.log();
  problems.forEach(terminal.problem);
  if (problems.length > 0) return 1;
  terminal.success(`each of ${acknowledged.length} acknowledged atoms is stored exactly once`);
  return 0;
}

async function printWhatIsThere(storage: MemoryStorage, sessionId: string): Promise<void> {
  const session = await storage.loadSession(sessionId);
  if (session === null) return;
  terminal.printSession(session);
  const facts: MemoryAtom[] = [];
  // Unreadable atoms are reported later, by `verify`.
  for await (const atom of storage.atoms({ sessionId, onUnreadable: () => undefined })) {
    if (!isHistoryType(atom.memoryType)) facts.push(atom);
  }
  terminal.printAtoms(facts);
  try {
    terminal.printContext(session.getContext({ maxTokens: CONTEXT_TOKENS }), CONTEXT_TOKENS);
  } catch (error) {
    // The instructions may be longer than the window; this is not an error in the stored data.
    if (!MemoryError.isInstance(error)) throw error;
    terminal.heading(`Context window of ${CONTEXT_TOKENS} tokens: none`);
    terminal.note(error.message);
  }
}
