import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A script of `test/processes/` in a process of its own. */
export interface ScriptRun {
  readonly child: ChildProcess;
  /** The lines of its standard output, as they come, until the pipe is closed. */
  readonly lines: AsyncIterable<string>;
  /** Its exit code, or the signal that ended it, and what it said on standard error. */
  readonly ended: Promise<{ exit: number | NodeJS.Signals | null; errors: string }>;
}

export function runScript(script: string, args: readonly string[], uid?: number): ScriptRun {
  const file = new URL(`processes/${script}`, import.meta.url).pathname;
  const child = spawn(process.execPath, ["--conditions=@rivet/source", file, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    ...(uid === undefined ? {} : { uid }),
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const ended = once(child, "close").then(([code, signal]) => ({ exit: code ?? signal, errors }));
  return { child, lines: createInterface({ input: child.stdout }), ended };
}

/** Runs a script to its end and returns the lines that it printed. */
export async function scriptLines(script: string, args: readonly string[], uid?: number): Promise<string[]> {
  const run = runScript(script, args, uid);
  const lines: string[] = [];
  for await (const line of run.lines) lines.push(line);
  const { exit, errors } = await run.ended;
  if (exit !== 0) throw new Error(`${script} ended with ${exit}: ${errors}`);
  return lines;
}
