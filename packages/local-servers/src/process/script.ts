import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A TypeScript file that runs in a separate process. */
export interface ScriptRun {
  readonly child: ChildProcessWithoutNullStreams;
  /** The lines of its standard output, as they come, until the pipe is closed. */
  readonly lines: AsyncIterable<string>;
  /** Its exit code, or the signal that ended it, and what it said on standard error. */
  readonly ended: Promise<{ exit: number | NodeJS.Signals | null; errors: string }>;
}

export interface ScriptOptions {
  /** The user to run as. Default: this process's. */
  readonly uid?: number | undefined;
  /** Variables in addition to those of this process. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** The size that no file it writes may exceed: the system refuses it, as a full disk does. Default: none. */
  readonly maxFileBytes?: number | undefined;
  /** Whether its standard input stays open for messages. Default: false. */
  readonly hasInput?: boolean | undefined;
}

/** Runs a file of the workspace, with its packages as they are in the source. */
export function runScript(
  file: URL,
  args: readonly string[],
  { uid, environment = {}, maxFileBytes, hasInput = false }: ScriptOptions = {},
): ScriptRun {
  const command = [process.execPath, "--conditions=@rivet/source", file.pathname, ...args];
  const [program = "", ...rest] = maxFileBytes === undefined ? command : limited(command, maxFileBytes);
  const child = spawn(program, rest, {
    env: { ...process.env, ...environment },
    ...(uid === undefined ? {} : { uid }),
  });
  if (!hasInput) child.stdin.end();
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const ended = once(child, "close").then(([code, signal]) => ({ exit: code ?? signal, errors }));
  return { child, lines: createInterface({ input: child.stdout }), ended };
}

function limited(command: readonly string[], maxFileBytes: number): string[] {
  return ["sh", "-c", 'ulimit -f "$1" && shift && exec "$@"', "sh", String(Math.floor(maxFileBytes / 512)), ...command];
}

/** Runs a file to its end and returns the lines that it printed. */
export async function scriptLines(file: URL, args: readonly string[], options?: ScriptOptions): Promise<string[]> {
  const run = runScript(file, args, options);
  const lines: string[] = [];
  for await (const line of run.lines) lines.push(line);
  const { exit, errors } = await run.ended;
  if (exit !== 0) throw new Error(`${file.pathname} ended with ${exit}: ${errors}`);
  return lines;
}

/**
 * Kills a script with SIGKILL after so many lines.
 *
 * @returns all lines that it printed: the pipe keeps what was in it before the kill.
 * @throws if it ends in another way.
 */
export async function linesUntilKilled(run: ScriptRun, afterLines: number): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of run.lines) if (lines.push(line) === afterLines) run.child.kill("SIGKILL");
  const { exit, errors } = await run.ended;
  if (exit !== "SIGKILL") throw new Error(`the script ended with ${exit}: ${errors}`);
  return lines;
}
