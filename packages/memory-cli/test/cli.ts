import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const MAIN = join(import.meta.dirname, "..", "src", "main.ts");

export interface Run {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

/** Runs the real program to its end. */
export async function rivetMemory(
  arguments_: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  input = "",
  folder?: string,
): Promise<Run> {
  const child = start(arguments_, environment, folder);
  child.stdin.end(input);
  const exit = once(child, "exit");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [exitCode] = await exit;
  return { stdout, stderr, exitCode };
}

/** Starts the real program; nothing of the environment reaches it but the path, and where compiled sources are. */
export function start(
  arguments_: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  folder?: string,
) {
  return spawn(process.execPath, ["--conditions=@rivet/source", MAIN, ...arguments_], {
    env: { PATH: process.env["PATH"], NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"], ...environment },
    cwd: folder,
    stdio: ["pipe", "pipe", "pipe"],
  });
}
