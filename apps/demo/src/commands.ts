/** What the demo does, step by step; `main.ts` only reads the command line. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { openStorage, type MemoryStorage } from "@rivet/memory-core";
import { AcknowledgementLog, readAcknowledgements } from "./acknowledgements.ts";
import { replay } from "./replay.ts";
import { heading, note, printAtoms, printContext, printSession, problem, showProgress, success } from "./terminal.ts";
import { readTranscript, type Transcript } from "./transcript.ts";
import { verify } from "./verify.ts";

const CONTEXT_TOKENS = 500;
const FACTS = ["context", "decision", "action", "issue", "log"];
/** The folder that the command was called from: pnpm itself runs it in the folder of the app. */
const CALLED_FROM = process.env["INIT_CWD"] ?? process.cwd();

export interface DemoOptions {
  readonly backend?: string;
  readonly transcript: string;
  readonly keep: boolean;
}

/** Replays the transcript, then has it verified. @returns the exit code. */
export async function runDemo({ backend, transcript: file, keep }: DemoOptions): Promise<number> {
  const transcript = await readTranscript(resolve(CALLED_FROM, file));
  const folder = await mkdtemp(join(tmpdir(), "rivet-demo-"));
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true });
  process.once("SIGINT", () => void removeFolder().finally(() => process.exit(130)));
  const url = backend === undefined ? `sqlite:${join(folder, "memory.db")}` : absolute(backend);
  try {
    return await replayAndVerify(url, transcript, join(folder, "acknowledged.jsonl"));
  } finally {
    if (keep && backend === undefined) note(`\nkept: ${join(folder, "memory.db")}`);
    else await removeFolder();
  }
}

async function replayAndVerify(url: string, transcript: Transcript, acknowledgedFile: string): Promise<number> {
  const storage = await openStorage(url);
  const isShared = !url.startsWith("memory:");
  try {
    heading(`This process (${process.pid}) lives through ${transcript.turns.length} turns, and saves each`);
    const progress = showProgress();
    using log = new AcknowledgementLog(acknowledgedFile);
    await replay(transcript, storage, log, progress.update).finally(progress.stop);
    if (!isShared) {
      note("\nmemory: lives in this process alone, so this process reads it back");
      return await report(storage, acknowledgedFile);
    }
  } finally {
    await storage.close();
  }
  return verifyInAnotherProcess(url, acknowledgedFile);
}

async function verifyInAnotherProcess(url: string, acknowledgedFile: string): Promise<number> {
  const main = join(import.meta.dirname, "main.ts");
  const args = [...process.execArgv, main, "verify", "--backend", url, "--acknowledged", acknowledgedFile];
  const child = spawn(process.execPath, args, { stdio: "inherit" });
  const [exitCode]: unknown[] = await once(child, "close");
  return exitCode === 0 ? 0 : 1;
}

/** The second process. @returns the exit code. */
export async function runVerify(options: { backend: string; acknowledged: string }): Promise<number> {
  heading(`A second process (${process.pid}) opens what the first one left`);
  await using storage = await openStorage(options.backend);
  return await report(storage, options.acknowledged);
}

async function report(storage: MemoryStorage, acknowledgedFile: string): Promise<number> {
  const acknowledged = readAcknowledgements(acknowledgedFile);
  const sessionId = acknowledged[0]?.sessionId ?? "";
  const session = sessionId === "" ? null : await storage.loadSession(sessionId);
  if (session !== null) {
    printSession(session);
    printAtoms((await storage.queryMemoryAtoms({ sessionId, memoryType: FACTS })).toReversed());
    printContext(session.getContext({ maxTokens: CONTEXT_TOKENS }), CONTEXT_TOKENS);
  }
  const problems = await verify(storage, acknowledged);
  console.log();
  problems.forEach(problem);
  if (problems.length > 0) return 1;
  success(`each of ${acknowledged.length} acknowledged atoms is there exactly once`);
  return 0;
}

/** The same address with an absolute path, for another process in another folder. */
function absolute(url: string): string {
  const path = /^sqlite:(.+)$/s.exec(url)?.[1];
  return path === undefined || path === ":memory:" ? url : `sqlite:${resolve(CALLED_FROM, path)}`;
}
